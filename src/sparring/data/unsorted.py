"""All pictures of a folder or zip, flat or nested, as one domain without labels.

Knows files and pixels. No label that lies there is read: neither names of folders nor lists. A
list that someone names is read by `labelled`, to measure by.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparring.data.images import Account, DataSet, Images, composed
from sparring.data.pictures import decoded, pictures_in, scale
from sparring.data.pixels import empty_pixels
from sparring.data.tables import read_table
from sparring.errors import RequestError

_log = logging.getLogger("sparring")


@dataclass(frozen=True)
class Unsorted:
    """files: of each in order, what is wrong with it, or "". pixels: uint8 [N, 3, S, S] of those
    that could be read, in order. white: of pictures of more than 8 bits, see `Account`.
    """

    place: Path
    files: dict[str, str]
    pixels: Tensor
    white: float | None = None

    @property
    def readable(self) -> list[str]:
        """Names of the files that the pixels are of."""
        return [name for name, error in self.files.items() if not error]

    @property
    def dataset(self) -> DataSet:
        """All of them to train on, and all to be judged on: they are what shall be labelled."""
        images = Images(self.pixels, None, ())
        account = Account(white=self.white)
        return DataSet(self.place.name, "real", images, images, account=account)

    @property
    def told(self) -> str:
        """What was found, and that no label was, in a line."""
        folders = len({name.rpartition("/")[0] for name in self.files})
        failed = len(self.files) - len(self.pixels)
        return (
            f"{self.place}: {len(self.pixels):,} images in {folders:,} folder(s), {failed:,} that "
            "cannot be read; names of folders and lists there are not taken as labels"
        )

    def answers(self, chances: np.ndarray) -> Iterator[tuple[str, np.ndarray | str]]:
        """Each file's name, and its row of `chances` [N, K] or what is wrong with it, in order."""
        rows = iter(chances)
        return ((name, error or next(rows)) for name, error in self.files.items())


def read(place: Path, size: int, white: float | None = None) -> Unsorted:
    """Read all pictures at `size` pixels. Raises RequestError where there is none to be read.

    white: what was white in the source's pictures of more than 8 bits, if it has such.
    """
    files = pictures_in(place)
    told = dict.fromkeys(files, "")
    pixels, count = empty_pixels(len(files), size), 0
    rows = pixels.numpy()
    own = scale(files.items(), [white] if white else [])
    for part in decoded(files.items(), size, own):
        for name, picture in part:
            if isinstance(picture, str):
                told[name] = picture or "no picture"
            else:
                rows[count] = picture
                count += 1
    if not count:
        name, why = next(iter(told.items()))
        raise RequestError(f"{place}: none of {len(files)} images can be read; {name}: {why}")
    return Unsorted(place, told, pixels[:count], own or None)


def labelled(target: Unsorted, path: Path, classes: Sequence[str]) -> Images:
    """Those of the target's images that the CSV at `path` labels, with their labels.

    Its first column has file names as `predictions.csv` writes them; labels are in the column
    `label`, or else in the second. Rows without a label do not count, nor do those, which a
    warning counts, that name no image. Raises RequestError.
    """
    if not path.is_file():
        raise RequestError(f"{path}: there is no such file: name a CSV of file names and labels")
    rows = _rows(path, target)
    places = {name: place for place, name in enumerate(target.readable) if name in rows}
    if not places:
        raise RequestError(
            f"{path} labels no image of {target.place}: name files as they lie there, such as "
            f"{target.readable[0]}"
        )
    for name in places:
        if rows[name] not in classes:
            raise RequestError(
                f"{path}: {name} has the label '{rows[name]}', which is no class of the source: "
                f"mend it; known: {', '.join(classes[:20])}"
            )
    if strange := [name for name in rows if name not in places]:
        _log.warning(
            "%s: %d of %d labels do not count: no image of %s that can be read is called so (%s)",
            *(path, len(strange), len(rows), target.place, strange[0]),
        )
    labels = torch.tensor([classes.index(rows[name]) for name in places])
    return Images(target.pixels[list(places.values())], labels, tuple(classes))


def _rows(path: Path, target: Unsorted) -> dict[str, str]:
    """The labels of a list by name. Raises RequestError where it has no header, or two for one."""
    table, rows = read_table(path.name, path), dict[str, str]()
    if len(table.columns) < 2 or table.columns[0] in target.files:
        begins = ",".join(table.columns)
        raise RequestError(f"{path} begins '{begins}': begin it 'file_name,label'")
    where = table.columns.index("label") if "label" in table.columns else 1
    for row in table.rows:
        name, label = composed(row[0]), composed("".join(row[where : where + 1]).strip())
        if label and rows.setdefault(name, label) != label:
            raise RequestError(
                f"{path}: {name} has the labels '{rows[name]}' and '{label}': mend it"
            )
    return rows
