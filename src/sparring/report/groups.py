"""Runs that differ in nothing but the seed, and their numbers together.

Knows runs and statistics; knows no figure and no page. Single-run figures and tables show the run
that is `shown`. Accuracies and shares are fractions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, cast
from urllib.parse import quote

from sparring.metrics.fidelity import bias_note
from sparring.metrics.scorecard import Leak
from sparring.metrics.statistics import (
    Estimate,
    Summary,
    estimate,
    gaps,
    paired_difference,
    summarise,
)
from sparring.report.alike import alike
from sparring.report.curves import Log
from sparring.report.measures import MEASURES, Score
from sparring.report.words import method
from sparring.runs.folder import Run
from sparring.runs.records import SCENARIOS, Architecture, Config
from sparring.runs.scores import ClassifierScores, Extractor, GeneratorScores

OF_FEATURES = ("frechet", "kid", "precision", "recall", "density", "coverage")
"""Metrics that mean nothing without the name of their extractor."""
FEW = 3
"""Up to so many labels are named in a title; more are counted."""


def classifier_scores(run: Run) -> ClassifierScores:
    """The scores of a run that trained a classifier."""
    return cast(ClassifierScores, run.scores)


def generator_scores(run: Run) -> GeneratorScores:
    """The scores of a run that trained a generator."""
    return cast(GeneratorScores, run.scores)


@dataclass(frozen=True)
class Group:
    """At least one run, by rising seed. apart: what sets them apart from others (`alike`)."""

    runs: tuple[Run, ...]
    apart: str = ""

    @property
    def config(self) -> Config:
        """What was asked of its first run."""
        return self.runs[0].config

    @property
    def method(self) -> str:
        return self.config.method

    @property
    def sets(self) -> tuple[str, ...]:
        """(images,) or (source, target)."""
        return self.config.sets

    @property
    def key(self) -> str:
        """Method, preset, data, a generator's labels (with + between), arm, `apart`, with commas.

        No two groups of one folder share it: other letters in names are percent-encoded.
        """
        config = self.config
        parts = [quote(part, " ") for part in (self.method, config.preset, *self.sets)]
        if config.scenario == "generation" and config.label_names:
            parts.append("+".join(quote(name, " ") for name in config.label_names))
        more = {"arm": config.arm, "apart": self.apart}
        return ",".join(parts + [f"{k}={quote(words, ' ')}" for k, words in more.items() if words])

    @property
    def variant(self) -> str:
        """The arm, and what sets it apart; empty for neither."""
        return ", ".join(filter(None, [self.config.arm, self.apart]))

    @property
    def title(self) -> str:
        """The method, a generator's labels, and the variant."""
        names = self.config.label_names if self.config.scenario == "generation" else ()
        words = f"{len(names)} {self.config.label_kind}" if len(names) > FEW else "+".join(names)
        variant = f", {self.variant}" if self.variant else ""
        return f"{method(self.method)}{f' on {words}' if words else ''}{variant}"

    @property
    def shown(self) -> Run:
        """The first run."""
        return self.runs[0]

    @property
    def log(self) -> Log:
        """The training of the run that is shown."""
        return Log.of(self.shown.rows())

    @property
    def events(self) -> list[tuple[int, str]]:
        """Step and kind of what happened in that training."""
        return [(event.step, event.kind) for event in self.shown.events.events]

    @property
    def architecture(self) -> Architecture | None:
        """The networks of the first run that recorded them."""
        return next(filter(None, (run.architecture for run in self.runs)), None)

    def figure(self, what: str) -> str:
        """The key of the figure `what` (`samples`, `losses`, `tsne`, ...) of this group."""
        return f"{what}-{self.key}"


@dataclass(frozen=True)
class Generation(Group):
    """One generator."""

    @property
    def scores(self) -> GeneratorScores:
        """Those of the run that is shown."""
        return generator_scores(self.shown)

    @property
    def extractor(self) -> Extractor | None:
        """On whose features `OF_FEATURES` are measured; None where nothing was."""
        return next(filter(None, (generator_scores(run).extractor for run in self.runs)), None)

    @property
    def compared(self) -> int:
        """Generated images of the Fréchet distance, the fewest of any run; 0 for none."""
        rows = (generator_scores(run).fidelity.get("generated") for run in self.runs)
        return min((row.n_drawn for row in rows if row), default=0)

    @property
    def bias(self) -> str:
        """What must stand beside the Fréchet distance; empty where nothing must."""
        return (bias_note(self.compared) or "") if self.compared else ""

    @property
    def metrics(self) -> dict[str, Summary]:
        """Every metric over the runs; those of features over the runs with one extractor alone."""
        return self._summaries([generator_scores(run).metrics for run in self.runs])

    @property
    def averaged(self) -> dict[str, Summary]:
        """The same of running means that were kept beside the generators; empty without any."""
        return self._summaries([generator_scores(run).averaged for run in self.runs])

    def _summaries(self, metrics: list[dict[str, float | None]]) -> dict[str, Summary]:
        found: dict[str, list[float]] = {}
        for run, of_run in zip(self.runs, metrics, strict=True):
            for name, value in of_run.items():
                same = name not in OF_FEATURES or generator_scores(run).extractor == self.extractor
                if value is not None and same:
                    found.setdefault(name, []).append(value)
        return {name: summarise(values) for name, values in found.items()}

    def leaks(self, turned: str) -> list[tuple[str, Leak]]:
        """What else moves when `turned` is turned on, most moved first.

        Where there are few labels, those come before attributes that are no label.
        """
        card = self.scores.scorecard
        if card is None:
            return []
        first = card.labels if len(card.labels) <= FEW + 1 else ()
        found = card.turned[turned].leakage.items()
        return sorted(found, key=lambda leak: (leak[0] not in first, -abs(leak[1].drift)))


@dataclass(frozen=True)
class Adaptation(Group):
    """One method on one pair of domains, in up to three scenarios."""

    @property
    def labelled(self) -> bool:
        """Whether accuracy on the target is known."""
        return any(classifier_scores(run).accuracy is not None for run in self.runs)

    def of(self, scenario: str) -> tuple[Run, ...]:
        """The runs of `scenario`, by rising seed."""
        return tuple(run for run in self.runs if run.config.scenario == scenario)

    @property
    def shown(self) -> Run:
        """The first adapted run where there is one."""
        return (self.of("adapted") or self.runs)[0]

    @property
    def twins(self) -> list[tuple[Run, Run]]:
        """Source-only and adapted run of each seed that has both, by rising seed."""
        before = {run.config.seed: run for run in self.of("source-only")}
        pairs = ((before.get(run.config.seed), run) for run in self.of("adapted"))
        return [(twin, run) for twin, run in pairs if twin]

    def over(self, scenario: str, score: Score = lambda scores: scores.accuracy) -> Summary:
        """A score (default: accuracy on the target) over the runs of `scenario` that have it."""
        values = (score(classifier_scores(run)) for run in self.of(scenario))
        return summarise(value for value in values if value is not None)

    @property
    def measures(self) -> dict[str, tuple[Summary, Summary]]:
        """Each of MEASURES over the source-only and over the adapted runs."""
        return {
            name: (self.over("source-only", score), self.over("adapted", score))
            for name, score in MEASURES.items()
        }

    @property
    def source_accuracy(self) -> Summary:
        """Accuracy of the adapted runs on the source's test images."""
        return self.over("adapted", lambda scores: scores.source_accuracy)

    @property
    def read_as(self) -> list[tuple[str, float]]:
        """Each class and the share of target images that the shown run reads as it, most first."""
        shares = classifier_scores(self.shown).predicted_shares
        named = zip(self.config.label_names, shares, strict=True)
        return sorted(named, key=lambda one: one[::-1], reverse=True)

    def by_seed(self, scenario: str) -> dict[int, float]:
        """Accuracy on the target's test images by seed; without those that lack it."""
        found = {run.config.seed: classifier_scores(run).accuracy for run in self.of(scenario)}
        return {seed: value for seed, value in found.items() if value is not None}

    @property
    def gap_by_seed(self) -> dict[int, float]:
        """The share of the gap closed by each seed (`statistics.gaps`)."""
        return gaps(*map(self.by_seed, SCENARIOS))

    @property
    def gap_closed(self) -> Estimate:
        """`gap_by_seed` over the seeds."""
        return estimate(self.gap_by_seed.values())

    @property
    def gain(self) -> Estimate:
        """Target test accuracy, adapted less source only, paired by seed."""
        return paired_difference(self.by_seed("adapted"), self.by_seed("source-only"))

    @property
    def change(self) -> float | None:
        """The mean gain, or where no seed has both, that from mean to mean; None without either."""
        before, after = self.over("source-only").mean, self.over("adapted").mean
        if self.gain.summary.n or before is None or after is None:
            return self.gain.summary.mean
        return after - before

    @property
    def without_gap(self) -> bool:
        """Whether seeds have all three accuracies, and target only is above source only in none."""
        whole = set.intersection(*(set(self.by_seed(scenario)) for scenario in SCENARIOS))
        return bool(whole) and not self.gap_by_seed

    @property
    def mistake(self) -> tuple[float, str, str] | None:
        """The adapted run's most frequent one: share of a class, its name, what it is read as."""
        names = self.config.label_names
        mistakes = [
            (count / sum(row), names[true], names[seen])
            for run in self.of("adapted")[:1]
            for true, row in enumerate(classifier_scores(run).confusion or ())
            for seen, count in enumerate(row)
            if true != seen and count
        ]
        return max(mistakes, default=None)


class Comparison(NamedTuple):
    """Adapted accuracy of `later` less that of `former` on the same pair, paired by seed."""

    later: Adaptation
    former: Adaptation
    difference: Estimate


def compared(groups: Iterable[Adaptation]) -> list[Comparison]:
    """Every two groups on the same pair of domains that have seeds in common."""
    found = [
        Comparison(b, a, paired_difference(b.by_seed("adapted"), a.by_seed("adapted")))
        for a, b in combinations(groups, 2)
        if a.sets == b.sets
    ]
    return [one for one in found if one.difference.summary.n]


def generations(runs: Iterable[Run]) -> tuple[Generation, ...]:
    """The generators among `runs`, in the order of `alike`."""
    return tuple(Generation(*g) for g in alike(runs) if g[0][0].config.scenario == "generation")


def adaptations(runs: Iterable[Run]) -> tuple[Adaptation, ...]:
    """The methods and pairs among `runs`, in the order of `alike`."""
    return tuple(Adaptation(*g) for g in alike(runs) if g[0][0].config.scenario != "generation")
