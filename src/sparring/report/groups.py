"""Runs that differ in nothing but the seed, and their numbers together.

Knows runs and statistics; knows no figure and no page.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple, cast
from urllib.parse import quote

from sparring.metrics.statistics import (
    Estimate,
    Summary,
    estimate,
    gaps,
    paired_difference,
    summarise,
)
from sparring.runs.folder import Run
from sparring.runs.records import (
    SCENARIOS,
    Architecture,
    ClassifierScores,
    Config,
    Extractor,
    GeneratorScores,
)

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
    """At least one run, by rising seed, of one method, preset, data, labels and arm."""

    runs: tuple[Run, ...]

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
        """`dann,report2019,mnist-m,svhn`: method, preset, data, a generator's labels, and arm.

        No two groups of one folder share it: other letters in names are percent-encoded.
        """
        config = self.config
        parts = [quote(part, " ") for part in (self.method, config.preset, *self.sets)]
        if config.scenario == "generation" and config.label_names:
            parts.append("+".join(quote(name, " ") for name in config.label_names))
        return ",".join([*parts, *([f"arm={quote(config.arm, ' ')}"] if config.arm else [])])

    @property
    def title(self) -> str:
        """The method in words: `DCGAN`, `ACGAN on Smiling+Male`, `DANN, with strong views`."""
        names = self.config.label_names if self.config.scenario == "generation" else ()
        words = f"{len(names)} {self.config.label_kind}" if len(names) > FEW else "+".join(names)
        arm = f", {self.config.arm}" if self.config.arm else ""
        return f"{self.method.upper()}{f' on {words}' if words else ''}{arm}"

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
        """Those of the first seed, which tables of one run show."""
        return generator_scores(self.runs[0])

    @property
    def extractor(self) -> Extractor | None:
        """On whose features `OF_FEATURES` are measured; None where nothing was."""
        return next(filter(None, (generator_scores(run).extractor for run in self.runs)), None)

    @property
    def compared(self) -> int:
        """Generated images that the Fréchet distance is of, the fewest of any run; 0 for none."""
        rows = (generator_scores(run).fidelity.get("generated") for run in self.runs)
        return min((row.n_drawn for row in rows if row), default=0)

    @property
    def metrics(self) -> dict[str, Summary]:
        """Every metric over the runs; those of features over the runs with one extractor alone."""
        found: dict[str, list[float]] = {}
        for scores in map(generator_scores, self.runs):
            for name, value in scores.metrics.items():
                same = name not in OF_FEATURES or scores.extractor == self.extractor
                if value is not None and same:
                    found.setdefault(name, []).append(value)
        return {name: summarise(values) for name, values in found.items()}


@dataclass(frozen=True)
class Adaptation(Group):
    """One method on one pair of domains, in up to three scenarios."""

    @property
    def target(self) -> str:
        return self.sets[-1]

    @property
    def pair(self) -> str:
        """`source → target`."""
        return " → ".join(self.sets)

    @property
    def labelled(self) -> bool:
        """Whether accuracy on the target is known."""
        return any(classifier_scores(run).accuracy is not None for run in self.runs)

    def of(self, scenario: str) -> tuple[Run, ...]:
        """The runs of `scenario`, by rising seed."""
        return tuple(run for run in self.runs if run.config.scenario == scenario)

    @property
    def twins(self) -> list[tuple[Run, Run]]:
        """Source-only and adapted run of each seed that has both, by rising seed."""
        before = {run.config.seed: run for run in self.of("source-only")}
        pairs = ((before.get(run.config.seed), run) for run in self.of("adapted"))
        return [(twin, run) for twin, run in pairs if twin]

    @property
    def shown(self) -> Run:
        """The run that single-run figures show: the first adapted one where there is one."""
        return (self.of("adapted") or self.runs)[0]

    def over(
        self, scenario: str, score: Callable[[ClassifierScores], float | None] | None = None
    ) -> Summary:
        """A score (default: accuracy on the target) over the runs of `scenario` that have it."""
        scores = map(classifier_scores, self.of(scenario))
        values = (score(one) if score else one.accuracy for one in scores)
        return summarise(value for value in values if value is not None)

    def by_seed(self, scenario: str) -> dict[int, float]:
        """Accuracy on the target's test images, a fraction, by seed; without those that lack it."""
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
    """The generators among `runs`, in the order of their first runs."""
    return tuple(map(Generation, _grouped(r for r in runs if r.config.scenario == "generation")))


def adaptations(runs: Iterable[Run]) -> tuple[Adaptation, ...]:
    """The methods and pairs among `runs`, in the order of their first runs."""
    return tuple(map(Adaptation, _grouped(r for r in runs if r.config.scenario != "generation")))


def _grouped(runs: Iterable[Run]) -> list[tuple[Run, ...]]:
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        config = run.config
        same = (config.method, config.preset, config.sets, config.label_names, config.arm)
        groups.setdefault(same, []).append(run)
    return [tuple(sorted(group, key=lambda run: run.config.seed)) for group in groups.values()]
