"""Cells and sentences about what `classifiers` and `without_labels` find.

Knows numbers; knows no figure and no HTML.
"""

from sparring.metrics.statistics import Detector, Estimate, Rate, Summary
from sparring.report.without_labels import LabelReads, Selection

CLEAR = "* clear: at least three seeds, and both the bootstrap interval and Student's leave 0 out."


def cell(summary: Summary, percent: bool) -> str:
    """Mean, and sd where there are several runs; a dash for none."""
    if summary.mean is None:
        return "—"
    values = [summary.mean, *([] if summary.sd is None else [summary.sd])]
    return " ± ".join(f"{100 * v:.1f}" if percent else f"{v:.2f}" for v in values)


def points(found: Estimate, starred: bool = True) -> str:
    """A mean difference of shares in points, its interval, n, and a star where it is clear.

    starred: whether to mark it; not for runs that share more than chance, or what has one sign.
    """
    summary = found.summary
    if summary.mean is None:
        return "—"
    text = f"{100 * summary.mean:+.1f}{'*' if starred and found.sign else ''}"
    if found.interval is None:
        return text
    low, high = (f"{100 * end:+.1f}" for end in found.interval)
    return f"{text} [{low}, {high}] (n = {summary.n})"


def gap(found: Estimate) -> str:
    """A share of the gap in percent: mean, sd, interval and n; the mean alone for one seed."""
    text = cell(found.summary, percent=True)
    if found.interval is None:
        return text
    low, high = (f"{100 * end:.1f}" for end in found.interval)
    return f"{text} [{low}, {high}] (n = {found.summary.n})"


def rate(found: Rate | None) -> str:
    """`3 of 4, 75 % [30, 95]`; says so where there was no case."""
    if found is None:
        return "no such case"
    return (
        f"{found.hits} of {found.n}, {100 * found.value:.0f} % "
        f"[{100 * found.low:.0f}, {100 * found.high:.0f}]"
    )


def correlation(value: float | None) -> str:
    """A rank correlation; a dash where it does not exist."""
    return "—" if value is None else f"{value:+.2f}"


def about_labels(reads: LabelReads) -> list[str]:
    """What the records say of who opened the target's labels."""
    lines = [
        f"Target labels read before final evaluation: {reads.early} "
        f"(source-only and adapted runs with a record: {reads.runs})."
    ]
    if reads.early:
        lines.append("Some run saw labels that it must not see: its accuracy is no evidence.")
    if reads.unknown:
        lines.append(f"Runs that kept no such record: {reads.unknown}.")
    if reads.upper_bound:
        lines.append(
            f"Not counted: {reads.upper_bound} openings by target-only runs, which train on these "
            "labels to give the upper bound."
        )
    return lines


def about_selection(found: Selection) -> list[str]:
    """What the choice without labels was worth."""
    over, loss = (points(one, starred=False) for one in (found.over_last, found.loss))
    choices = [run.scores["selection"] for run in found.runs]
    same = sum(choice["chosen"]["step"] == choice["last"]["step"] for choice in choices)
    return [
        "Adapted runs whose checkpoint was chosen by a consensus of label-free validators: "
        f"{len(found.runs)}; in {same} of them it chose the last one.",
        f"Chosen less last checkpoint, points of target accuracy: {over}.",
        f"Best checkpoint (an oracle that knows the labels) less chosen: {loss}.",
    ]


def about_alarm(found: Detector) -> list[str]:
    """How good the alarm was as a detector."""
    total = found.caught + found.missed + found.false_alarms + found.quiet
    return [
        f"Pairs of an adapted run and its source-only twin: {total}; {found.caught} caught, "
        f"{found.missed} missed, {found.false_alarms} false alarms, {found.quiet} rightly quiet. "
        "The truth: adapted is less accurate on the target's test images than its twin.",
        f"Caught of those that were worse: {rate(found.sensitivity)}. "
        f"Quiet where it was not worse: {rate(found.specificity)}. "
        f"Right in all: {rate(found.right)}. In brackets: Wilson's 95 % interval.",
    ]
