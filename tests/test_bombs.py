"""Small files that would become large: each is refused, in a process of little memory."""

import bz2
import gzip
import io
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from sparring.data.mnist_m import IMAGE

ZEROS = bytes(1 << 20)

CHILD = """
import os, sys, resource
from pathlib import Path
from sparring.data.formats import (folders, idx, listed, parquet, usps)
from sparring.data import mnist_m
from sparring.errors import RequestError
from tests.fuzz.trial import bound_memory
readers = {
    "folders": lambda p: folders.stored(p).read(8), "idx": lambda p: idx.read(p, 8),
    "listed": lambda p: listed.stored(p).read(8),
    "parquet": lambda p: parquet.stored(p).read(8), "photos": mnist_m.read_photos,
    "usps": lambda p: usps.read(p, 8),
}
bound_memory()
for line in sys.stdin.read().splitlines():
    reader, path = line.split(" ", 1)
    if child := os.fork():  # each bomb in a process of its own: no one's memory counts to the next
        os.waitpid(child, 0)
        continue
    try:
        readers[reader](Path(path))
        print("read", flush=True)
    except RequestError as error:
        print(error, flush=True)
    os._exit(0)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def png(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(ZEROS)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def zipped(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def large_member(path: Path, name: str, megabytes: int) -> Path:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        for _ in range(megabytes):
            member.write(ZEROS)
    return path


def lying(path: Path, name: str, size: int) -> Path:
    """The directory says so many bytes; 100 MB would come out."""
    large_member(path, name, 100)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<I", size)
    path.write_bytes(data)
    return path


def link(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(20):
            info = zipfile.ZipInfo(f"{k}.png")
            info.external_attr = 0o120777 << 16
            archive.writestr(info, "/etc/passwd")
    return path


def put(folder: Path, **files: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder


def bombs(root: Path) -> dict[str, str]:
    """Reader and place of each bomb, and what is said of it."""
    told = {}
    pictures = {f"{k}.png": png(30_000, 30_000) for k in range(20)}
    told[f"folders {zipped(root / 'png.zip', pictures)}"] = "do not decode"
    told[f"photos {zipped(root / 'photo.zip', {'a.jpg': jpeg_bomb()})}"] = "decompression bomb"
    told[f"photos {lying(root / 'zeros.zip', '0.jpg', 520 << 20)}"] = "holds more than 512 MB"
    told[f"listed {large_member(root / 'list.zip', 'list.csv', 70)}"] = "holds more than 64 MB"
    told[f"photos {lying(root / 'lying.zip', '0.jpg', 10)}"] = "Bad CRC-32"
    told[f"listed {lying(root / 'lying-list.zip', 'l.csv', 10)}"] = "Bad CRC-32"
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        files = {f"{k}.png": b"x" for k in range(20)}
        place = zipped(root / f"{method}.zip", files, method)
        told[f"folders {place}"] = "neither stored nor deflated"
    slashes = {"a/" * 32_000 + f"{k}.png": b"x" for k in range(20)}
    told[f"folders {zipped(root / 'slashes.zip', slashes)}"] = "do not decode"
    told[f"folders {zipped(root / 'up.zip', {'a/../../0.png': b''})}"] = "leads out of it"
    told[f"folders {zipped(root / 'absolute.zip', {'/etc/0.png': b''})}"] = "leads out of it"
    told[f"folders {link(root / 'link.zip')}"] = "do not decode"
    inner = zipped(root / "inner.zip", {"0.png": b""}).read_bytes()
    told[f"folders {zipped(root / 'nested.zip', {'inner.zip': inner})}"] = "holds no images"
    many = bz2.compress(bytes(16 << 20)) * 5
    told[f"usps {put(root / 'bz2', usps__bz2=many, usps__t__bz2=many)}"] = "more than 64 MB"
    unpacked = gzip.compress(bytes(32 << 20), 1) * 5
    names = [
        f"{s}-{p}.gz" for s in ("train", "t10k") for p in ("images-idx3-ubyte", "labels-idx1-ubyte")
    ]
    for name in names:
        (put(root / "idx") / name).write_bytes(unpacked)
    told[f"idx {root / 'idx'}"] = "more than 128 MB"
    with h5py.File(put(root / "h5") / "usps.h5", "w") as file:
        for split in ("train", "test"):
            file.create_dataset(f"{split}/data", (10**10, 256), "f4", chunks=(1, 256))
            file.create_dataset(f"{split}/target", (10**10,), "i8", chunks=(9,))
    told[f"usps {root / 'h5'}"] = "2560000000000 values"
    same = pa.array([{"bytes": b"x", "path": ""}] * 3, IMAGE)
    table = pa.table({"image": same, "label": pa.array([10**12] * 3)})
    for split in ("train", "test"):
        pq.write_table(table, put(root / "parquet") / f"{split}.parquet")
    told[f"parquet {root / 'parquet'}"] = "label 1000000000000 of image 0"
    return told


def jpeg_bomb() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "jpeg")
    data = bytearray(buffer.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 30_000, 30_000)
    return bytes(data)


def test_no_bomb_goes_off(tmp_path: Path) -> None:
    told = bombs(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    lines = "".join(f"{bomb}\n" for bomb in told)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", CHILD],
        input=lines,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    *answers, peak = done.stdout.splitlines()
    for bomb, answer, expected in zip(told, answers, told.values(), strict=True):
        assert expected in answer, bomb
    assert sorted(tmp_path.rglob("*")) == before  # nothing was unpacked anywhere
    assert int(peak) < 2500  # MB, of which torch alone takes several hundred
