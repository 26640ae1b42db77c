"""`sparring sample`: pictures of what a trained generator draws.

Knows how labels are written and how images are laid out; what is drawn is in `model`.
"""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from sparring.cli.common import DeviceOptions, a_file, at_least_one
from sparring.errors import RequestError
from sparring.storage import write_atomically, writing

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

    from sparring.model import Generator

FRAME = 80
"""Milliseconds that a GIF shows each frame."""


def sample(
    model: Annotated[Path, tyro.conf.arg(metavar="MODEL")],
    /,
    machine: DeviceOptions,
    out: Path | None = None,
    each: Path | None = None,
    count: int | None = None,
    seed: int = 0,
    labels: str | None = None,
    class_: Annotated[str | None, tyro.conf.arg(name="class")] = None,
    pairs: str | None = None,
    walk: bool = False,
    steps: int | None = None,
) -> None:
    """Draw images with a trained generator: a grid, pairs, a walk, or a file each.

    Args:
        model: Folder of a model, of a run, or of a report with a single run.
        machine: Where it is computed.
        out: Picture to write, samples.png by default. A .gif moves, with --walk or --pairs.
        each: In place of one picture, a file for each image: a folder, or names with a place for
            the number, such as drawn/{:05d}.png.
        count: Images (by default 64), pairs (10), or noises to walk through (5).
        seed: Of the noise: the same seed draws the same images.
        labels: Attributes to draw, from 0 to 1, such as Smiling=1,Male=0.5; the others are random.
        class_: Class to draw; random if none is named.
        pairs: Attribute or class: draw pairs of the same noise, without it and with it.
        walk: Walk from noise to noise, a row for each stretch.
        steps: Images in a row: with --pairs 2 by default, more let an attribute grow from absent
            to present; with --walk 8.
    """
    from sparring.runs.common import a_seed

    at_least_one("--count", count)
    a_seed(seed)
    wanted = _wanted(labels, class_)
    _one_kind(out, each, pairs, walk, steps, wanted)
    out = out or Path("samples.png")
    in_rows = walk or pairs is not None
    _check_place(out, (".png", ".gif") if in_rows else (".png",))
    names = _names(each, count or 64) if each else []
    generator = _generator(model, machine)
    if in_rows:
        if pairs is None:
            rows = generator.walk_with(wanted, count or 5, 8 if steps is None else steps, seed)
            frames = rows.reshape(-1, 1, *rows.shape[2:])
        else:
            rows = generator.pairs(count or 10, pairs, seed, 2 if steps is None else steps)
            frames = rows.swapaxes(0, 1)
        _write_rows(out, rows, frames)
        told = f"{len(rows):,} rows of {rows.shape[1]} images"
    else:
        images = generator.sample_with(wanted, count or 64, seed)
        if names:
            _write_each(names, images)
        else:
            write_atomically(out, _file(_grid(images), "PNG"))
        told = f"{len(images):,} images"
    print(f"{each or out}: {told}, seed {seed}")


def _generator(model: Path, machine: DeviceOptions) -> "Generator":
    """The generator in the folder. Raises RequestError where there is none."""
    from sparring.model import Generator, load

    found = load(model, machine.machine().device)
    if not isinstance(found, Generator):
        raise RequestError(f"{model} is a classifier: use `sparring predict` to label images")
    return found


def _wanted(labels: str | None, class_: str | None) -> dict[str, float | str]:
    """The labels that are asked for, as `Generator.sample` takes them."""
    wanted = dict(map(_attribute, labels.split(","))) if labels else {}
    return wanted if class_ is None else wanted | {"label": class_}


def _one_kind(
    out: Path | None,
    each: Path | None,
    pairs: str | None,
    walk: bool,
    steps: int | None,
    wanted: dict[str, float | str],
) -> None:
    """Raise RequestError where more than one kind of picture is asked for."""
    in_rows = walk or pairs is not None
    if (walk and pairs is not None) or (each and (out or in_rows)):
        raise RequestError(
            "choose one of --walk, --pairs and --each; --each takes the place of --out"
        )
    if pairs is not None and wanted:
        raise RequestError("--pairs draws random labels: leave out --labels and --class")
    if steps is not None and not in_rows:
        raise RequestError("--steps are those of --pairs or --walk: name one of them")


def _check_place(out: Path, kinds: tuple[str, ...]) -> None:
    if out.suffix.lower() not in kinds:
        raise RequestError(f"--out {out}: name a .png file, or with --walk or --pairs a .gif")
    a_file(out)


def _attribute(text: str) -> tuple[str, float | str]:
    """`Smiling=1` as a name and a value."""
    name, _, value = text.rpartition("=")
    try:
        share = float(value)
    except ValueError:
        share = math.nan
    if not name or not 0 <= share <= 1:
        raise RequestError(f"--labels {text}: write each as NAME=0, NAME=1 or a number between")
    return name, share


def _names(each: Path, count: int) -> list[Path]:
    """The files that `--each` asks for. Raises RequestError."""
    pattern = str(each) if "{" in str(each) else f"{each}/{{:05d}}.png"
    try:
        names = [Path(pattern.format(number)) for number in range(count)]
    except (ValueError, LookupError, AttributeError):  # no format of one number
        names = []
    if (
        len(set(names)) < count
        or len({name.parent for name in names}) > 1
        or names[0].suffix.lower() != ".png"
        or not names[0].absolute().parent.parent.is_dir()
    ):
        raise RequestError(
            f"--each {each}: name a folder, or .png files with a place for the number, such as "
            "drawn/{:05d}.png, where a folder can be made"
        )
    return names


def _write_rows(out: Path, rows: "np.ndarray", frames: "np.ndarray") -> None:
    """Write rows of images, uint8 [R, C, S, S, 3]; as a GIF frames of them, [F, N, S, S, 3]."""
    if out.suffix.lower() == ".gif":
        first, *rest = map(_grid, frames)
        data = _file(first, "GIF", save_all=True, append_images=rest, duration=FRAME, loop=0)
    else:
        data = _file(_grid(rows.reshape(-1, *rows.shape[2:]), rows.shape[1]), "PNG")
    write_atomically(out, data)


def _write_each(names: list[Path], images: "np.ndarray") -> None:
    from PIL import Image

    folder = names[0].parent
    with writing(folder):
        folder.mkdir(exist_ok=True)
        for name, image in zip(names, images, strict=True):
            Image.fromarray(image).save(name)


def _grid(images: "np.ndarray", columns: int = 0) -> "Image":
    """uint8 [N, S, S, 3] side by side, what is left of the last row white.

    columns: how many a row; by default as many as rows, or one more.
    """
    from PIL import Image

    from sparring.report.sprites import tiled

    columns = columns or math.ceil(math.sqrt(len(images)))
    return Image.fromarray(tiled(images.transpose(0, 3, 1, 2), columns))


def _file(image: "Image", kind: str, **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()
