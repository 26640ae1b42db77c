"""What the program keeps for itself: a training to go on with, and a judge in the cache folder.

Knows the files, and what reads them; knows nothing of how they are damaged. Seals are made anew
after the damage, so that what is behind them is reached too.
"""

import hashlib
import json
import tempfile
from functools import cache
from pathlib import Path

import torch

from sparring.data.images import Images
from sparring.errors import TrainingFailed
from sparring.game import Shape, Unlabelled
from sparring.methods import DCGAN
from sparring.runs.evaluators import describe
from sparring.runs.folder import RunFolder
from sparring.runs.generator import Film
from sparring.runs.kept_extractors import load_or_train
from sparring.runs.sampler import Brush
from sparring.runs.selection import Candidates
from sparring.trainer import Trainer, Training

CPU = torch.device("cpu")
STEPS, STOPPED = 12, 11
IMAGES = Images(
    torch.randint(0, 256, (8, 3, 16, 16), generator=torch.Generator().manual_seed(0)).byte(),
    torch.tensor([[0, 1], [1, 0]] * 4),
    ("One", "Two"),
)


def seal(data: bytes) -> bytes:
    """`data` as `write_sealed` would end it."""
    return data + hashlib.sha256(data).digest()


def _sealed_files(folder: Path) -> dict[str, bytes]:
    """The sealed files of `folder`, without their seals."""
    size = hashlib.sha256().digest_size
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()[:-size]
        for path in sorted(folder.rglob("*.sealed"))
    }


class Unfinished:
    """A training of a tiny generator, stopped on its way, in the folder `place/run`."""

    def __init__(self, place: Path) -> None:
        torch.manual_seed(0)
        self.method = DCGAN(width=4, noise_size=8)
        self.method.build(Shape(16))
        self.folder = RunFolder(place / "run")
        self.film = Film(Brush(self.method, IMAGES, 0, CPU), self.folder, STEPS)
        self.candidates = Candidates(self.method, self.folder, STEPS)  # type: ignore[arg-type]

    def train(self, until: int) -> None:
        """Go on to step `until`, with a frame, a candidate and a saved state at each."""

        def feed(step: int) -> Unlabelled:
            if step == until:
                raise KeyboardInterrupt
            return Unlabelled(IMAGES.pixels[:4] / 127.5 - 1)

        def observe(step: int) -> dict[str, float]:
            self.film.observe(step)
            return self.candidates.observe(step) | {"diversity": 0.5}

        training = Training(STEPS, 4, "float32", 1e9 if until == STEPS else 0.0)
        Trainer(self.method, feed, training, self.folder, CPU, observe=observe).run()

    def results(self) -> None:
        """Read what was kept on the way, as the end of a run does."""
        frames = self.film.arrays()["progress"]
        assert frames.dtype == "uint8"
        for step in self.candidates.steps:
            self.candidates.load(step)


@cache
def unfinished() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files of a `place` for `resume`: those as they are, and those to be sealed."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        run = Unfinished(place)
        run.folder.open({"seed": 0})
        try:
            run.train(STOPPED)
        except KeyboardInterrupt:
            run.folder.write_events([{"step": 1, "kind": "alarm", "what": "words"}])
        state = max((place / "run/checkpoints").iterdir())
        content = state.read_bytes()
        state.unlink()
        plain = [p for p in sorted(place.rglob("*")) if p.is_file() and p.suffix != ".sealed"]
        files = {path.relative_to(place).as_posix(): path.read_bytes() for path in plain}
        return files | {"state": content}, _sealed_files(place)


def resume(place: Path) -> None:
    """Go on with the training in `place/run`, whose newest state is `place/state`, to its end.

    The state is given the name that fits its content.
    """
    run = Unfinished(place)
    content = (place / "state").read_bytes()
    kept = place / "run/checkpoints"
    before = set(kept.iterdir())
    newest = kept / f"state-1-000000010-{hashlib.sha256(content).hexdigest()}.pt"
    newest.write_bytes(content)
    try:
        run.folder.open({"seed": 0})
        run.train(STEPS)
        run.results()
    except TrainingFailed:  # from other weights than it had; told in one line too
        pass
    finally:
        for path in set(kept.iterdir()) - before:
            path.unlink()


@cache
def judge() -> dict[str, bytes]:
    """The file of a judge in a cache folder, to be sealed."""
    with tempfile.TemporaryDirectory() as place:
        load_judge(Path(place))
        return _sealed_files(Path(place))


def load_judge(place: Path) -> None:
    """Take the judge of IMAGES from the cache folder `place`, or train it, and say what it is."""
    network, skill = load_or_train(place, IMAGES, IMAGES, 0, CPU, steps=1)
    assert network.logits(IMAGES.pixels).shape == (8, 2)
    json.dumps(describe(skill))
    assert f"{skill.n:,} {skill.mean_accuracy:.1%} {skill.mean_balanced:.1%}"
