"""Runs that differ in nothing but the seed, and their numbers together.

Knows runs and statistics; knows no figure, no page and nothing of 2019.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from sparring.metrics.statistics import (
    Estimate,
    Summary,
    gap_closed,
    gaps,
    paired_difference,
    summarise,
)
from sparring.report.runs import Run

SCENARIOS = ("source-only", "adapted", "target-only")
"""From the lower bound to the upper."""
OF_FEATURES = ("frechet", "kid", "precision", "recall", "density", "coverage")
"""Metrics that mean nothing without the name of their extractor."""


@dataclass(frozen=True)
class Generation:
    """One generator: method and attribute set. runs: at least one, by rising seed."""

    method: str
    faces: str
    attributes: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def label(self) -> str:
        """The attribute set in short: `Smiling+Male`; more than three are `all`."""
        return "all" if len(self.attributes) > 3 else "+".join(self.attributes)

    @property
    def main(self) -> bool:
        """Whether this is the method's plain form: without labels, or on Smiling alone."""
        return self.attributes in ((), ("Smiling",))

    @property
    def key(self) -> str:
        """The name in results.json: `dcgan`, `acgan`, `acgan[Smiling+Male]`."""
        return self.method if self.main else f"{self.method}[{self.label}]"

    @property
    def title(self) -> str:
        """The name in words: `DCGAN`, `ACGAN on Smiling+Male`."""
        words = f"all {len(self.attributes)} attributes" if self.label == "all" else self.label
        return self.method.upper() + (f" on {words}" if words else "")

    def figure(self, what: str) -> str:
        """The key of the figure `what` (`samples`, `losses`, `pairs`, ...) of this one."""
        if what == "samples" and self.method == "dcgan":
            return what
        named = () if (what, self.method) == ("pairs", "acgan") else (self.method,)
        return "-".join((what, *named, *(() if self.main else (self.label,))))

    @property
    def extractor(self) -> dict[str, Any]:
        """On whose features `OF_FEATURES` are measured; empty where nothing was."""
        found = (run.scores.get("extractor") for run in self.runs)
        return next((extractor for extractor in found if extractor), {})

    @property
    def metrics(self) -> dict[str, Summary]:
        """Every metric over the runs; those of features over the runs with one extractor alone."""
        named = dict.fromkeys(n for run in self.runs for n in run.scores["metrics"])
        names = [n for n in named if any(self._has(run, n) for run in self.runs)]
        return {
            name: summarise(r.scores["metrics"][name] for r in self.runs if self._has(r, name))
            for name in names
        }

    def _has(self, run: Run, metric: str) -> bool:
        if run.scores["metrics"].get(metric) is None:
            return False
        return metric not in OF_FEATURES or run.scores["extractor"] == self.extractor


@dataclass(frozen=True)
class Adaptation:
    """One method on one pair of domains, in up to three scenarios. runs: by rising seed."""

    method: str
    source: str
    target: str
    runs: tuple[Run, ...]

    @property
    def key(self) -> str:
        """The name in figure keys: `dann-mnist-m-svhn`."""
        return f"{self.method}-{self.source}-{self.target}"

    @property
    def sets(self) -> tuple[str, str]:
        """Source and target."""
        return (self.source, self.target)

    def of(self, scenario: str) -> tuple[Run, ...]:
        """The runs of `scenario`, by rising seed."""
        return tuple(run for run in self.runs if run.scenario == scenario)

    @property
    def twins(self) -> list[tuple[Run, Run]]:
        """Source-only and adapted run of each seed that has both, by rising seed."""
        before = {run.seed: run for run in self.of("source-only")}
        return [(before[r.seed], r) for r in self.of("adapted") if r.seed in before]

    @property
    def shown(self) -> Run:
        """The run that single-run figures show: the first adapted one where there is one."""
        return (self.of("adapted") or self.runs)[0]

    def score(self, scenario: str, name: str = "accuracy") -> Summary:
        """A score over the runs of `scenario` that have it; n is 0 where none has."""
        values = (run.scores.get(name) for run in self.of(scenario))
        return summarise(value for value in values if value is not None)

    def by_seed(self, scenario: str) -> dict[int, float]:
        """Target test accuracy of `scenario`, a fraction, by seed."""
        return {run.seed: run.scores["accuracy"] for run in self.of(scenario)}

    @property
    def gap_by_seed(self) -> dict[int, float]:
        """The share of the gap closed by each seed (`statistics.gaps`)."""
        return gaps(*map(self.by_seed, SCENARIOS))

    @property
    def gap_closed(self) -> Estimate:
        """`gap_by_seed` over the seeds."""
        return gap_closed(*map(self.by_seed, SCENARIOS))

    @property
    def gain(self) -> Estimate:
        """Target test accuracy, adapted less source only, paired by seed."""
        return paired_difference(self.by_seed("adapted"), self.by_seed("source-only"))


def generations(runs: Iterable[Run]) -> tuple[Generation, ...]:
    """The generators among `runs`, in the order of their first runs."""
    chosen = [run for run in runs if run.scenario == "generation"]
    groups = _grouped(chosen, lambda run: (run.method, run.sets, run.attributes))
    return tuple(Generation(g[0].method, g[0].sets[0], g[0].attributes, g) for g in groups)


def adaptations(runs: Iterable[Run]) -> tuple[Adaptation, ...]:
    """The methods and pairs among `runs`, in the order of their first runs."""
    chosen = [run for run in runs if run.scenario != "generation"]
    groups = _grouped(chosen, lambda run: (run.method, run.sets))
    return tuple(Adaptation(g[0].method, g[0].sets[0], g[0].sets[1], g) for g in groups)


def _grouped(runs: list[Run], key: Callable[[Run], Hashable]) -> list[tuple[Run, ...]]:
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return [tuple(sorted(group, key=lambda run: run.seed)) for group in groups.values()]
