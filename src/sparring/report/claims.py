"""What these runs say about the source report's ten observations.

Knows the groups of runs and the claims. A verdict is "holds" or "fails" only where the runs are
the experiment that the claim calls for: the report's own data, the full budget, and at least three
seeds whose difference is clear. Everything else is "undecided", with what was seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sparring.measure.statistics import clear_sign, summarise
from sparring.report.collect import Reproduction, Run
from sparring.report.curves import end_level, settling
from sparring.report.groups import Adaptation, Generation
from sparring.report.source2019 import CLAIMS, TABLES, Accuracies, Claim

Decision = Literal["holds", "fails", "undecided"]


@dataclass(frozen=True)
class Verdict:
    """A claim and what the runs say. n: seeds that bear on it. evidence: plain sentences."""

    claim: Claim
    verdict: Decision = "undecided"
    n: int = 0
    evidence: str = "No experiment for this claim in these runs."


@dataclass(frozen=True)
class Evidence:
    """Everything that a claim may be judged on."""

    rep: Reproduction
    generators: tuple[Generation, ...]
    adaptations: tuple[Adaptation, ...]

    def generator(self, key: str) -> Generation | None:
        """The generator with this key in results.json, if it ran."""
        return next((group for group in self.generators if group.key == key), None)

    def printed(self, group: Adaptation) -> Accuracies | None:
        """What the report printed for the sets asked for; None where this is no reproduction."""
        asked = self.rep.asked(group.sets)
        return TABLES.get((group.method, *asked)) if self.rep.reproduces else None

    def fair(self, sets: tuple[str, ...]) -> bool:
        """Whether runs on `sets` may decide: the report's data at the full budget."""
        return self.rep.budget == "full" and self.rep.faithful(sets)

    def caveat(self, sets: tuple[str, ...]) -> str:
        """A sentence naming the sets that are not those of the report; empty where all are."""
        named = [self.rep.use(s) for s in dict.fromkeys(sets)]
        words = [use.label for use in named if use.badge]
        return f" Mind the data: {', '.join(words)}." if words else ""


Finding = tuple[Decision, int, str]


def judge(evidence: Evidence) -> tuple[Verdict, ...]:
    """One verdict for each claim, in order; none where the plan does not repeat the report."""
    if not evidence.rep.reproduces:
        return ()
    verdicts = []
    for claim in CLAIMS:
        finding = JUDGES[claim.id](evidence) if claim.id in JUDGES else None
        verdicts.append(Verdict(claim, *finding) if finding else Verdict(claim))
    return tuple(verdicts)


def settled(run: Run) -> float | None:
    """The share of training after which both players' losses stay near their final level."""
    times = [settling(values) for values in run.log.losses.values()]
    known = [time for time in times if time is not None]
    return max(known) if known and len(known) == len(times) else None


def _losses_settle(evidence: Evidence) -> Finding | None:
    dcgan, acgan = evidence.generator("dcgan"), evidence.generator("acgan")
    if dcgan is None or acgan is None:
        return None
    plain, labelled = ({run.seed: settled(run) for run in g.runs} for g in (dcgan, acgan))
    paired = {
        seed: (a, b)
        for seed, a in plain.items()
        if a is not None and (b := labelled.get(seed)) is not None
    }
    if not paired:
        return "undecided", 0, "The loss curves are too short to say when they settle."
    means = [summarise(column).mean for column in zip(*paired.values(), strict=True)]
    levels = {
        name: summarise(
            end_level(run.log.losses[name]) for run in acgan.runs if name in run.log.losses
        ).mean
        for name in acgan.runs[0].log.losses
    }
    text = (
        f"Losses stay near their final level after {means[0]:.0%} of training for DCGAN and "
        f"{means[1]:.0%} for ACGAN (above 90%: not settled). ACGAN's losses end at "
        + ", ".join(f"{level:.2f} ({name})" for name, level in levels.items())
        + "; the report's near 1.0."
    )
    sets = (dcgan.faces, acgan.faces)
    sign = clear_sign(a - b for a, b in paired.values())
    return _decide(sign, evidence.fair(sets)), len(paired), text + evidence.caveat(sets)


def _attribute_sets(evidence: Evidence) -> Finding | None:
    groups = [group for group in evidence.generators if group.method == "acgan"]
    if len(groups) < 2:
        return None
    faces = tuple(group.faces for group in groups)
    text = f"{'; '.join(map(_fidelity, groups))}.{evidence.caveat(faces)}"
    if not all("frechet" in group.metrics for group in groups):
        text = f"Fidelity, which the claim is about, was not measured. {text}"
    # By the first half of the claim, and by the second.
    signs = {
        _farther(groups, "all", "Smiling"),
        _farther(groups, "all", "Smiling+Male"),
        _farther(groups, "Smiling", "Smiling+Male"),
    }
    sign = -1 if -1 in signs else min(signs)
    n = min(len(group.runs) for group in groups)
    return _decide(sign, evidence.fair(faces)), n, text


def _fidelity(group: Generation) -> str:
    """Fréchet distance, attribute accuracy and diversity of a group, as far as they are known."""
    names = {"attribute_accuracy": "attribute accuracy", "diversity": "diversity"}
    if group.extractor:
        names = {"frechet": group.extractor["frechet"]} | names
    known = {words: group.metrics[name] for name, words in names.items() if name in group.metrics}
    numbers = [f"{words} {found.mean:.3g}" for words, found in known.items()]
    return f"{group.label}: {', '.join(numbers) or 'no metric'}"


def _farther(groups: list[Generation], left: str, right: str) -> int:
    """1 where the Fréchet distance of `left` is clearly above that of `right`, -1 where below."""
    found = {group.label: group for group in groups}
    if not {left, right} <= found.keys() or found[left].extractor != found[right].extractor:
        return 0
    ours, theirs = (
        {run.seed: run.scores["metrics"].get("frechet") for run in found[label].runs}
        for label in (left, right)
    )
    pairs = ((ours[seed], theirs.get(seed)) for seed in ours)
    return clear_sign(a - b for a, b in pairs if a is not None and b is not None)


def _spread(evidence: Evidence) -> Finding | None:
    spreads = []
    for group in evidence.adaptations:
        score = group.score("adapted")
        if score.sd is not None:
            name = f"{group.method.upper()} {group.source} → {group.target}"
            spreads.append((score.n, f"{name} {100 * score.sd:.1f} points"))
    if not spreads:
        return None
    text = "; ".join(part for _, part in spreads)
    tail = "Repeats of one seed, the other half of the experiment, were not run."
    n = min(n for n, _ in spreads)
    return "undecided", n, f"Sd of adapted accuracy over seeds: {text}. {tail}"


def _direction(evidence: Evidence) -> Finding | None:
    parts, signs, seeds = [], [], []
    by_key = {(group.method, group.sets): group for group in evidence.adaptations}
    pairs = [
        (there, by_key[there.method, there.sets[::-1]])
        for there in evidence.adaptations
        if evidence.rep.asked(there.sets) == ("mnist-m", "svhn")
        and (there.method, there.sets[::-1]) in by_key
    ]
    for there, back in pairs:
        gaps, reverse = there.gap_by_seed, back.gap_by_seed
        shared = [seed for seed in gaps if seed in reverse]
        if shared:
            a, b = (summarise(gap[s] for s in shared).mean for gap in (gaps, reverse))
            parts.append(
                f"{there.method.upper()} closes {a:.1%} of the gap on {there.source} → "
                f"{there.target} and {b:.1%} on {back.source} → {back.target}"
            )
            signs.append(clear_sign(reverse[s] - gaps[s] for s in shared))
            seeds.append(len(shared))
    if not pairs:
        return None
    if not parts:
        return "undecided", 0, "No seed has a gap to close in both directions."
    sets = pairs[0][0].sets
    sign = signs[0] if len(set(signs)) == 1 else 0
    text = f"{'; '.join(parts)}.{evidence.caveat(sets)}"
    return _decide(sign, evidence.fair(sets)), min(seeds), text


def _dsn_beats_dann(evidence: Evidence) -> Finding | None:
    parts, seeds = [], []
    sets: tuple[str, ...] = ()
    by_key = {(group.method, group.sets): group for group in evidence.adaptations}
    for (method, pair), dsn in by_key.items():
        dann = by_key.get(("dann", pair))
        if method != "dsn" or dann is None:
            continue
        ours, theirs = dsn.by_seed("adapted"), dann.by_seed("adapted")
        differences = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
        if differences:
            mean = 100 * sum(differences) / len(differences)
            parts.append(f"{mean:+.1f} points on {dsn.source} → {dsn.target}")
            seeds.append(len(differences))
            sets = (*sets, *pair)
    if not parts:
        return None
    text = (
        f"DSN's adapted accuracy less DANN's: {'; '.join(parts)}. DSN was not run without its "
        "reconstruction and difference losses, so what they add is not known."
    )
    return "undecided", min(seeds), text + evidence.caveat(sets)


def _decide(sign: int, fair: bool) -> Decision:
    if not fair or sign == 0:
        return "undecided"
    return "holds" if sign > 0 else "fails"


JUDGES: dict[str, Callable[[Evidence], Finding | None]] = {
    "C4": _losses_settle,
    "C5": _attribute_sets,
    "C6": _spread,
    "C7": _direction,
    "C8": _dsn_beats_dann,
}
