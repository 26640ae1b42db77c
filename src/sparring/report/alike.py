"""Which runs belong together: those that differ in nothing but the seed and the scenario.

Knows what was asked of runs; knows no score and no page.
"""

from collections.abc import Hashable, Iterable
from typing import Any

from sparring.report.words import NONE
from sparring.runs.folder import Run, flat
from sparring.runs.records import Config

FREE = ("seed", "scenario", "per_class", "tested", "training precision")
"""What may differ: repetitions and bounds, what is drawn or judged, and what the machine decides.

Likewise what judges a generator: `groups` tells extractors apart.
"""


def alike(runs: Iterable[Run]) -> list[tuple[tuple[Run, ...], str]]:
    """Groups of runs, each by rising seed, and what sets a group apart from others of its name.

    A name: method, preset, data, a generator's labels, arm. Names in the order of their first runs;
    no words where there is one group of a name.
    """
    names: dict[Hashable, dict[str, list[Run]]] = {}
    for run in runs:
        groups = names.setdefault(_name(run.config), {})
        groups.setdefault(str(_asked(run.config)), []).append(run)
    return [
        (tuple(sorted(group, key=lambda run: run.config.seed)), words)
        for groups in names.values()
        for group, words in zip(groups.values(), _apart(groups.values()), strict=True)
    ]


def _name(config: Config) -> Hashable:
    labels = config.label_names if config.scenario == "generation" else ()
    return config.method, config.preset, config.sets, labels, config.arm


def _asked(config: Config) -> dict[str, Any]:
    asked = flat(config).items()
    return {name: v for name, v in asked if name not in FREE and not name.startswith("judging")}


def _apart(groups: Iterable[list[Run]]) -> list[str]:
    """Of each group what the others have not, such as `training steps 200`."""
    asked = [_asked(group[0].config) for group in groups]
    names = dict.fromkeys(name for one in asked for name in one)
    differ = [name for name in names if len({str(one.get(name)) for one in asked}) > 1]
    return [
        ", ".join(
            f"{name.removeprefix('settings ').replace('_', ' ')} {one.get(name, NONE)}"
            for name in differ
        )
        for one in asked
    ]
