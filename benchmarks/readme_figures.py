"""The figures of README.md and docs/gallery.md that show what runs came to, each from a named run.

    python -m benchmarks.readme_figures faces=RUN smile=RUN tsne=RUN dcgan=RUN live=RUN \\
        terminal=FILE

writes those that are named into docs/. RUN is the folder of a finished run; FILE is what a command
printed, its first line the command: `(echo '$ sparring ...'; sparring ... 2>&1) | tee FILE`. What a
picture is of is read from the run, printed for the caption, and kept in the picture.
docs/performance-size.png is drawn by `benchmarks.cost_v_size`.
"""

import re
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from rich.console import Console, RenderableType
from rich.text import Text

from sparring.divergence import health
from sparring.errors import RequestError, unknown
from sparring.model import Generator, load
from sparring.report.figures import Drawing, adaptation, generation, save
from sparring.report.groups import Adaptation, Generation, Group
from sparring.report.plots import Part
from sparring.report.sprites import tiled
from sparring.report.words import duration
from sparring.runs.folder import Run
from sparring.runs.view import View, half_blocks
from sparring.trainer import Status

DOCS = Path(__file__).parents[1] / "docs"
FACES, SMILES, STEPS = 36, 6, 7
WIDE = 108
"""Letters in a line of a terminal."""


def described(run: Run) -> str:
    """What was trained, on what, for how long and where."""
    asked, scores, place = run.config, run.scores, run.environment
    sets = " and ".join(f"{one.train:,} images of {one.name}" for one in asked.data.values())
    threads = f"{place.threads} thread{'s' * (place.threads != 1)}"
    return (
        f"{run.name}: {asked.training.steps:,} steps of {asked.training.batch_size} on {sets}, "
        f"seed {asked.seed}; {duration(scores.seconds)} on {threads} of {place.cpu} "
        f"({place.device}); sparring {place.sparring}, commit {place.commit}"
    )


def faces(run: Run) -> Image.Image:
    """The first samples of seed 0, none left out."""
    return _tiles(_generator(run).sample(FACES), 6)


def smile(run: Run) -> Image.Image:
    """The first noises of seed 0, with more and more of the first attribute."""
    rows = _generator(run).pairs(SMILES, run.config.label_names[0], steps=STEPS)
    return _tiles(rows.reshape(-1, *rows.shape[2:]), STEPS)


def samples(run: Run) -> Image.Image:
    """The report's figure of samples."""
    return _figure(Generation((run,)), "samples", generation.images)


def tsne(run: Run) -> Image.Image:
    """The report's map of an adapted run."""
    return _figure(Adaptation((run,)), "tsne", adaptation.features)


def live(run: Run) -> str:
    """The terminal in the middle of the training, from the log, at a moment that has images."""
    pictures = run.arrays("pictures")
    moment = int(pictures["progress_steps"][-2])
    view, asked = View(run.name), run.config.training
    events = [event for event in run.events.events if event.step <= moment]
    for row in run.rows():
        if row.step <= moment:
            speed = row.images / max(row.seconds, 1e-9)
            left = (asked.steps - row.step) * asked.batch_size / speed
            losses = {name: loss for name, loss in row.losses.items() if loss is not None}
            view.add(Status(row.step, asked.steps, speed, left, losses, health(events)))
    view.samples = half_blocks(pictures["progress"][-2], WIDE)
    return _terminal(view, f"sparring train {run.config.method}")


def terminal(path: Path) -> str:
    """What a command printed. Its first line, `$ COMMAND`, is the title too."""
    text = Text.from_ansi(path.read_text(encoding="utf-8").rstrip())
    command = text.plain.partition("\n")[0].removeprefix("$ ")
    return _terminal(text, command if len(command) < WIDE // 2 else "sparring")


FIGURES: dict[str, tuple[str, Callable[[Run], Image.Image | str]]] = {
    "faces": ("faces.png", faces),
    "faces-two-million": ("faces-two-million.png", faces),
    "smile": ("smile.png", smile),
    "dcgan": ("dcgan.png", samples),
    "tsne": ("tsne.png", tsne),
    "live": ("live.svg", live),
}
"""By name: the file in docs/, and how it is drawn from a run."""


def _generator(run: Run) -> Generator:
    model = load(run.path)
    if not isinstance(model, Generator):
        raise RequestError(f"{run.path} is a classifier: name a generator's run")
    return model


def _tiles(images: np.ndarray, columns: int) -> Image.Image:
    """uint8 [N, S, S, 3] side by side."""
    return Image.fromarray(tiled(images.transpose(0, 3, 1, 2), columns))


def _figure(group: Group, what: str, parts: Callable[..., Iterator[Part]]) -> Image.Image:
    """One figure of the report, drawn as there."""
    sets = " → ".join(
        f"{one.name}{' (stand-in)' * (one.kind == 'stand-in')}"
        for one in group.config.data.values()
    )
    _, words, draw = next(part for part in parts(group) if part[0] == what)
    title = f"{group.title}: {words}, {sets}"
    with TemporaryDirectory() as room:
        drawings = (Drawing(what, draw(title), title, group.sets) for _ in range(1))
        path = save(Path(room), drawings)[what].path(Path(room))
        with Image.open(path) as image:
            image.load()
            return image


def _terminal(shown: RenderableType, title: str) -> str:
    """As SVG; the letters are the reader's: it asks no server for any."""
    console = Console(
        file=StringIO(), record=True, width=WIDE, force_terminal=True, color_system="truecolor"
    )
    console.print(shown)
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title=title), flags=re.DOTALL)


def write(name: str, path: Path, docs: Path = DOCS) -> str:
    """Draw the figure `name` from the run, or the printed lines, at `path`; what to say of it."""
    if name == "terminal":
        (docs / "terminal.svg").write_text(terminal(path), encoding="utf-8")
        return f"terminal.svg: {path}"
    if name not in FIGURES:
        raise unknown("figure", name, [*FIGURES, "terminal"])
    file, draw = FIGURES[name]
    run = Run(path)
    words, drawn = described(run), draw(run)
    if isinstance(drawn, str):
        (docs / file).write_text(drawn, encoding="utf-8")
    else:
        about = PngInfo()
        about.add_itxt("Description", words)
        drawn.save(docs / file, pnginfo=about, optimize=True)
    return f"{file}: {words}"


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    for asked in sys.argv[1:]:
        name, _, place = asked.partition("=")
        print(write(name, Path(place)))
