"""The scores of a generator as a reader sees them: names, sentences, the order of rows.

Knows groups and the content of scores.json; knows no figure and no HTML. Any number may be None:
it was not finite.
"""

from dataclasses import dataclass
from typing import Any

from sparring.metrics.statistics import Summary
from sparring.report.groups import Generation

_NAMES = {
    "kid": "KID",
    "memorised": "distance to the nearest training image (unseen real ones: 1)",
    "attribute_accuracy": "attributes as asked, %",
    "flipped": "label turns the attribute on, %",
}
_PERCENT = ("attribute_accuracy", "flipped")
_FEW_LABELS = 4
"""Up to so many labels, each is shown first beside the others."""


@dataclass(frozen=True)
class Card:
    """One metric over the seeds, in words."""

    name: str
    value: str


def cards(group: Generation) -> list[Card]:
    """Every metric of the group."""
    return [
        Card(_name(group, name), _value(summary, name in _PERCENT, len(group.runs)))
        for name, summary in group.metrics.items()
        if summary.n
    ]


def _name(group: Generation, metric: str) -> str:
    if metric == "frechet":
        return str(group.extractor["frechet"])
    return _NAMES.get(metric, metric.replace("_", " "))


def _value(summary: Summary, percent: bool, runs: int) -> str:
    numbers = [summary.mean, *([] if summary.sd is None else [summary.sd])]
    text = " ± ".join(f"{100 * v:.1f}" if percent else short(v) for v in numbers if v is not None)
    return text if summary.n == runs else f"{text} (n = {summary.n})"


def short(value: float | None) -> str:
    """Three digits that count, and no more than three decimals; a dash for None."""
    if value is None:
        return "—"
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # no -0.000


def interval(found: dict[str, float] | None) -> str:
    """`value [low, high]`; a dash for None."""
    if found is None:
        return "—"
    return f"{short(found['value'])} [{short(found['low'])}, {short(found['high'])}]"


def shares(found: dict[str, float]) -> str:
    """A share with its interval, in percent: `61.2 [56.0, 66.1]`."""
    value, low, high = (100 * found[key] for key in ("value", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def share(value: float | None) -> str:
    """A share in percent; a dash for None."""
    return "—" if value is None else f"{100 * value:.1f}"


def points(value: float | None) -> str:
    """A difference of shares, in points with its sign; a dash for None."""
    return "—" if value is None else f"{100 * value:+.1f}"


def about_extractor(extractor: dict[str, Any]) -> str:
    """Whose features the scores are on, and what it knows."""
    if extractor["name"] == "inception-v3":
        return "Features of the published Inception v3, on which FID is defined."
    learned = {
        "convnet-attributes": "which attributes they have",
        "convnet-classes": "which class they belong to",
        "convnet-quarter-turns": "by how many quarter turns they were turned",
    }.get(extractor["name"], "its labels")
    return (
        f"Features of {extractor['name']}, a network that this program trained on the real "
        f"training images to tell {learned}. On {extractor['n']:,} held-out images it is right in "
        f"{_skill(extractor)}. Its numbers compare with each other, not with a published FID."
    )


def about_table(scores: dict[str, Any]) -> str:
    """What the rows of the fidelity table are."""
    row = scores["fidelity"][0]
    return (
        f"Each row compares {row['n_drawn']:,} images with {row['n_real']:,} real training images. "
        "Real test images are the floor, which nothing generated should beat; the other grey rows "
        "are the same test images, spoilt. Distances: lower is better; the rest: higher."
    )


def about_judge(judge: dict[str, Any]) -> str:
    """Who judges, and how well."""
    return (
        "The judge is a network trained on the labels of real training images alone "
        f"({_source(judge)}), the generator's own; it has seen no generated one. On "
        f"{judge['n']:,} held-out real images it is right in {_skill(judge)}."
    )


def _source(judge: dict[str, Any]) -> str:
    """By what the images that it learned from can be known again."""
    fingerprint = str(judge.get("learned_from", "")).removeprefix("sha256:")[:12]
    return f"fingerprint {fingerprint}" if fingerprint else "their fingerprint was not recorded"


def _skill(skill: dict[str, Any]) -> str:
    balanced = skill["mean_balanced"]
    known = "" if balanced is None else f" (yes and no counted alike: {100 * balanced:.1f} %)"
    return f"{100 * skill['mean_accuracy']:.1f} %{known}"


def about_copies(audit: dict[str, Any]) -> str:
    """The finding of the audit, and how it was measured."""
    verdict = audit["verdict"]
    ratio = audit["ratio"]
    beside = ""
    if ratio is not None:
        beside = (
            f" The median sample lies {short(ratio)} times as far from its nearest training image "
            f"as the median of {audit['n_unseen']:,} real test images does, which were not trained "
            "on."
        )
    return f"{verdict[0].upper()}{verdict[1:]} (by chance about {audit['expected']:.0f}).{beside}"


def leaks(scorecard: dict[str, Any], flipped: str) -> list[tuple[str, dict[str, Any]]]:
    """What else moves when `flipped` is turned on, most moved first.

    Where there are few labels, those are shown before attributes that are no label.
    """
    labels = scorecard["attributes"] if len(scorecard["attributes"]) <= _FEW_LABELS else ()
    found: dict[str, dict[str, Any]] = scorecard["flips"][flipped]["leakage"]
    return sorted(found.items(), key=lambda leak: (leak[0] not in labels, -abs(leak[1]["drift"])))
