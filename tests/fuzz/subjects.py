"""Every reader of the program: a tiny valid place for it to read, and what it must then return.

Knows the readers; knows nothing of how files are damaged.
"""

import bz2
import gzip
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image
from scipy.io import savemat

from sparring import model
from sparring.data import mnist_m
from sparring.data.decode import decode_all
from sparring.data.files import entries
from sparring.data.formats import celeba, folders, idx, listed, mat, parquet, usps
from sparring.data.images import Images, Splits
from sparring.data.stored import Stored
from sparring.game import Shape
from sparring.methods import DCGAN
from sparring.model_folder import save

RNG = np.random.default_rng(0)
SIDE = 16
Pack = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Part:
    """A file to be damaged: what is in it, and how that is packed (gzip, a zip beside others)."""

    name: str
    content: bytes
    pack: Pack = bytes


@dataclass(frozen=True)
class Subject:
    """A reader. read: raises RequestError, or returns after it has checked what it read."""

    name: str
    parts: tuple[Part, ...]
    read: Callable[[Path], None]

    def write(self, folder: Path) -> None:
        """Write the valid files."""
        for part in self.parts:
            path = folder / part.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(part.pack(part.content))


def check(images: Images) -> None:
    """Fail unless these are images as their class promises."""
    assert images.pixels.dtype == torch.uint8
    assert images.pixels.shape[1:] == (3, SIDE, SIDE)
    assert len(images) > 0
    for name in images.label_names:
        assert isinstance(name, str)
        name.encode()
    if images.labels is not None:
        assert images.labels.dtype == torch.int64
        assert len(images.labels) == len(images)
        top = len(images.label_names) if images.labels.ndim == 1 else 2
        assert 0 <= int(images.labels.min()) <= int(images.labels.max()) < top


def _pictures(stored: Callable[[Path], Stored], inside: str = "") -> Any:
    return _images(lambda folder, size: stored(folder).read(size), inside)


def _images(read: Callable[[Path, int], Splits], inside: str = "") -> Any:
    def run(folder: Path) -> None:
        for images in read(folder / inside, SIDE):
            check(images)

    return run


def picture(kind: str = "png", size: int = 8, **options: Any) -> bytes:
    pixels = RNG.integers(0, 255, (size, size, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


PNG = picture()


def _zip(name: str, *others: str) -> Pack:
    """A zip of `name` with the content, and of `others` with a picture."""

    def pack(content: bytes) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for other in others:
                archive.writestr(other, PNG)
            archive.writestr(name, content)
        return buffer.getvalue()

    return pack


def _idx(shape: tuple[int, ...], top: int) -> bytes:
    values = RNG.integers(0, top, shape, dtype=np.uint8)
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + values.tobytes()


def _mnist(suffix: str, pack: Pack) -> tuple[Part, ...]:
    return tuple(
        Part(f"{split}-{part}-idx{len(shape)}-ubyte{suffix}", _idx(shape, top), pack)
        for split in ("train", "t10k")
        for part, shape, top in (("images", (3, 28, 28), 255), ("labels", (3,), 10))
    )


def _mat(compress: bool) -> tuple[Part, ...]:
    buffer = io.BytesIO()
    pixels = RNG.integers(0, 255, (32, 32, 3, 2), dtype=np.uint8)
    savemat(buffer, {"X": pixels, "y": np.array([[1], [10]])}, do_compression=compress)
    return tuple(Part(f"{split}_32x32.mat", buffer.getvalue()) for split in ("train", "test"))


def _h5() -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for split in ("train", "test"):
            file[f"{split}/data"] = RNG.random((3, 256), np.float32)
            file[f"{split}/target"] = np.array([1, 0, 9])
    return buffer.getvalue()


def _libsvm() -> bytes:
    rows = RNG.random((2, 256)) * 2 - 1
    return "".join(
        f"{k + 1} {' '.join(f'{i}:{v:.3f}' for i, v in enumerate(row, 1))}\n"
        for k, row in enumerate(rows)
    ).encode()


def _parquet() -> bytes:
    rows = [{"bytes": PNG, "path": "a.png"}] * 3
    labels = pa.array([0, 1, 2], pa.int64())
    table = pa.table({"image": pa.array(rows, mnist_m.IMAGE), "label": labels})
    features = {"label": {"names": ["one", "two", "three"]}}
    hub = json.dumps({"info": {"features": features}})
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": hub}), buffer)
    return buffer.getvalue()


JPGS = tuple(f"{k:06}.jpg" for k in range(3))
ATTRIBUTES = "3\nSmiling Male\n" + "".join(f"{name}  1 -1\n" for name in JPGS)
CSV = b"image_name,label\n" + b"".join(f"{k}.png,{k % 2}\n".encode() for k in range(12))
DOZEN = tuple(f"{k}.png" for k in range(12))


def _celeba(folder: Path) -> None:
    _pictures(celeba.stored)(folder)


def _decode(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        pixels, kept, *_ = decode_all(
            partial(list, [(path.name, path.read_bytes())]), 1, SIDE, path
        )
        assert pixels.shape == (1, 3, SIDE, SIDE)
        assert kept.tolist() == [0]


def _files(folder: Path) -> None:
    for name, entry in entries(folder / "any.zip").items():
        name.encode()
        assert str(entry)


def _photos(folder: Path) -> None:
    for photo in mnist_m.read_photos(folder / "photos.zip"):
        assert photo.dtype == np.uint8
        assert photo.shape[2] == 3


def _model() -> tuple[Part, ...]:
    """The files of a tiny generator that was saved."""
    torch.manual_seed(0)
    method, shape = DCGAN(width=4, noise_size=8), Shape(SIDE)
    method.build(shape)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "model"
        place.mkdir()
        save(place, method, shape, preset="own", data={}, card="Words.")
        return tuple(Part(path.name, path.read_bytes()) for path in sorted(place.iterdir()))


def _draw(folder: Path) -> None:
    drawn = model.load(folder).sample(2)
    assert drawn.shape == (2, SIDE, SIDE, 3)
    assert drawn.dtype == np.uint8


LISTS = tuple(f"mnist_m_{split}_labels.txt" for split in ("train", "test"))
RELEASE = (
    *(Part(name, b"0.png 5\n1.png 6\n") for name in LISTS),
    *(Part(f"mnist_m_{s}/{k}.png", PNG) for s in ("train", "test") for k in (0, 1)),
)
PAIRS = tuple(f"set/{split}/{name}.png" for split in ("train", "test") for name in ("a/0", "b/1"))
KINDS = ("png", "jpeg", "gif", "tiff", "webp", "bmp")

SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("idx", _mnist("", bytes), _images(idx.read)),
        Subject("idx.gz", _mnist(".gz", gzip.compress), _images(idx.read)),
        Subject(
            "parquet",
            tuple(Part(f"{split}.parquet", _parquet()) for split in ("train", "test")),
            _pictures(parquet.stored),
        ),
        Subject(
            "parquet digits",
            tuple(Part(f"{split}.parquet", _parquet()) for split in ("train", "test")),
            _pictures(partial(parquet.stored, names=tuple("0123456789"))),
        ),
        Subject("mat", _mat(False), _images(mat.read)),
        Subject("mat compressed", _mat(True), _images(mat.read)),
        Subject("usps.h5", (Part("usps.h5", _h5()),), _images(usps.read)),
        Subject(
            "usps.bz2",
            tuple(Part(name, _libsvm(), bz2.compress) for name in ("usps.bz2", "usps.t.bz2")),
            _images(usps.read),
        ),
        Subject(
            "celeba lists",
            (
                Part("list_attr_celeba.txt", ATTRIBUTES.encode()),
                Part("list_eval_partition.txt", b"000000.jpg 0\n000001.jpg 1\n000002.jpg 2\n"),
                Part("identity_CelebA.txt", b"000000.jpg 7\n000002.jpg 8\n"),
                *(Part(f"img_align_celeba/{name}", PNG) for name in JPGS),
            ),
            _celeba,
        ),
        Subject(
            "celeba zip",
            (
                Part("img_align_celeba.zip", PNG, _zip(JPGS[0], *JPGS[1:])),
                Part("list_attr_celeba.txt", ATTRIBUTES.encode()),
                Part("list_eval_partition.txt", b"000000.jpg 0\n000001.jpg 1\n000002.jpg 2\n"),
            ),
            _celeba,
        ),
        Subject("mnist-m release", RELEASE, _pictures(listed.stored_release)),
        Subject(
            "listed",
            (Part("set/list.csv", CSV), *(Part(f"set/{name}", PNG) for name in DOZEN)),
            _pictures(listed.stored, "set"),
        ),
        Subject(
            "listed zip",
            (Part("set.zip", CSV, _zip("list.csv", *DOZEN)),),
            _pictures(listed.stored, "set.zip"),
        ),
        Subject(
            "folders", tuple(Part(name, PNG) for name in PAIRS), _pictures(folders.stored, "set")
        ),
        Subject(
            "folders zip",
            (Part("set.zip", PNG, _zip(PAIRS[0], *PAIRS[1:])),),
            _pictures(folders.stored, "set.zip"),
        ),
        Subject("files", (Part("any.zip", PNG, _zip("a/0.png", "b/1.csv", "c")),), _files),
        *(Subject(f"decode {k}", (Part(f"0.{k}", picture(k)),), _decode) for k in KINDS),
        Subject(
            "photos",
            (Part("photos.zip", picture("jpeg", 32), _zip("a.jpg")),),
            _photos,
        ),
        Subject("model", _model(), _draw),
    )
}
"""The readers, by name."""
