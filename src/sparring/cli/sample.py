"""`sparring sample`: a picture of images that a trained generator draws.

Knows how labels are written and how images are laid out; what is drawn is in `model`.
"""

import io
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from sparring.cli.common import DeviceOptions, at_least_one
from sparring.errors import RequestError
from sparring.storage import write_atomically

if TYPE_CHECKING:
    import numpy as np


def sample(
    model: Annotated[Path, tyro.conf.arg(metavar="MODEL")],
    /,
    machine: DeviceOptions,
    out: Path = Path("samples.png"),
    count: int = 64,
    seed: int = 0,
    labels: str | None = None,
    class_: Annotated[str | None, tyro.conf.arg(name="class")] = None,
    pairs: str | None = None,
) -> None:
    """Draw images with a trained generator into one PNG picture.

    Args:
        model: Folder of a model, of a run, or of a report with a single run.
        machine: Where it is computed.
        out: Picture to write.
        count: Images, or pairs.
        seed: Of the noise: the same seed draws the same images.
        labels: Attributes to draw, such as Smiling=1,Male=0; those not named are random.
        class_: Class to draw; random if none is named.
        pairs: Attribute or class: draw pairs of the same noise, without it and with it.
    """
    from sparring.model import Generator, load

    at_least_one("--count", count)
    if out.suffix.lower() != ".png" or not out.absolute().parent.is_dir():
        raise RequestError(f"--out {out}: name a .png file in a folder that exists")
    wanted = dict(map(_attribute, labels.split(","))) if labels else {}
    if class_ is not None:
        wanted["label"] = class_
    if pairs is not None and wanted:
        raise RequestError("--pairs draws random labels: leave out --labels and --class")
    generator = load(model, machine.machine().device)
    if not isinstance(generator, Generator):
        raise RequestError(f"{model} is a classifier: use `sparring predict` to label images")
    if pairs is None:
        images, columns = generator.sample(count, seed, **wanted), math.ceil(math.sqrt(count))
    else:
        both = generator.pairs(count, pairs, seed)
        images, columns = both.reshape(-1, *both.shape[2:]), 2
    write_atomically(out, _png(images, columns))
    print(f"{out}: {count:,} {'pairs' if pairs else 'images'}, seed {seed}")


def _attribute(text: str) -> tuple[str, int | str]:
    """`Smiling=1` as a name and a value."""
    name, equals, value = text.rpartition("=")
    if not equals or value not in ("0", "1"):
        raise RequestError(f"--labels {text}: write each as NAME=0 or NAME=1")
    return name, int(value)


def _png(images: "np.ndarray", columns: int) -> bytes:
    """uint8 [N, S, S, 3] side by side, `columns` a row, what is left of the last row white."""
    from PIL import Image

    size, rows = images.shape[1], math.ceil(len(images) / columns)
    grid = Image.new("RGB", (columns * size, rows * size), "white")
    for k, image in enumerate(images):
        grid.paste(Image.fromarray(image), (k % columns * size, k // columns * size))
    data = io.BytesIO()
    grid.save(data, "PNG")
    return data.getvalue()
