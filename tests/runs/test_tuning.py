"""Settings that label-free scores find: better than a bad default, with no label of the target."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sparring.errors import RequestError
from sparring.methods import DANN
from sparring.runs import ClassifierRun, Library
from sparring.runs.folder import Run
from sparring.runs.processes import play
from sparring.runs.progress import Screen
from sparring.runs.scores import ClassifierScores
from sparring.runs.target_labels import SealedTarget
from sparring.runtime import Machine
from sparring.trainer import Training
from tests.conftest import CPU

pytest.importorskip("optuna")
from optuna.distributions import FloatDistribution

from sparring.runs.tuning import ROUND, search

BAD = ClassifierRun(
    DANN(encoder="small", learning_rate=1e-6), "adapted", "left", "right", 0, Training(30, 16), 2
)
SPACE = {"learning_rate": FloatDistribution(1e-6, 1e-1, log=True)}


@pytest.fixture
def sealed(library: Library) -> Library:
    """The toy pair, its target without labels."""
    shelf = Library(None, frozenset(["right"]))
    for name in ("left", "right"):
        shelf.put(name, library.get(name, 32))
    return shelf


class Player:
    """Plays trials, and counts how often each is."""

    def __init__(self, library: Library, out: Path, stop_after: int = 100) -> None:
        self.library, self.out, self.left = library, out, stop_after
        self.names: list[str] = []

    def __call__(self, jobs: Sequence[ClassifierRun]) -> None:
        for job in jobs:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            self.names.append(job.name)
            list(play([job], self.library, self.out / "runs", Screen(), Machine(CPU, 1, 1)))


def found(player: Player, trials: int) -> ClassifierRun:
    return search(BAD, BAD.config(player.library, CPU), SPACE, trials, player.out, player)


def accuracy(job: ClassifierRun, library: Library, out: Path) -> float:
    """On the target's test images, with its labels."""
    list(play([job], library, out, Screen(), Machine(CPU, 1, 1)))
    scores = Run(out / job.name).scores
    assert isinstance(scores, ClassifierScores)
    assert scores.accuracy is not None
    return scores.accuracy


def test_a_better_rate_than_a_bad_one_is_found_and_the_search_goes_on(
    library: Library, sealed: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    plainly = SealedTarget.open
    monkeypatch.setattr(
        SealedTarget, "open", lambda *given: opened.append(plainly(*given)) or opened[-1]
    )
    first = Player(sealed, tmp_path, stop_after=ROUND + 1)
    with pytest.raises(KeyboardInterrupt):
        found(first, 6)
    rest = Player(sealed, tmp_path)
    best = found(rest, 6)
    assert len({*first.names, *rest.names}) == 6
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {*first.names, *rest.names}
    assert best.name in {*first.names, *rest.names}
    assert found(Player(sealed, tmp_path, stop_after=0), 6).name == best.name
    # No trial could read a label of the target.
    assert opened
    assert all(images.labels is None for images in opened)
    for path in (tmp_path / "runs").iterdir():
        assert Run(path).openings.openings == ()
        assert Run(path).scores.accuracy is None
    with pytest.raises(RequestError, match=r"holds a search of other ranges; name another --out"):
        search(
            BAD,
            BAD.config(sealed, CPU),
            {"reversal_weight": SPACE["learning_rate"]},
            6,
            tmp_path,
            rest,
        )
    longer = replace(BAD, training=Training(31, 16))
    with pytest.raises(RequestError, match="its training steps was 30, now it is 31"):
        search(longer, longer.config(sealed, CPU), SPACE, 6, tmp_path, rest)
    bad, good = (accuracy(job, library, tmp_path / "truth") for job in (BAD, best))
    assert good > bad + 0.2
