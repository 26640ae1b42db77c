"""Published data sets: fetched from where they lie, into the folders in which the readers look.

Knows addresses, hashes and licences, and how a download goes on where it stopped, which pooch
cannot; pooch compares hashes, and gives a file its name once it is the published one. Knows nothing
of what is in a file.
"""

import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pooch
import requests

from sparring.errors import RequestError, WorkFailed
from sparring.storage import write_atomically, writing

PATIENCE = 30.0
"""Seconds to wait for a server that sends nothing."""
WAITS = (1.0, 5.0, 15.0)
"""Seconds before each new attempt after a connection broke."""
_PIECE = 1 << 16

Say = Callable[[str], None]
Watch = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that are here, and how many it has (0: unknown)."""


@dataclass(frozen=True)
class File:
    """A published file.

    known: its hash, as "md5:..." or "sha256:..."; empty where none is published.
    inside: of a tar, the folder in it that holds what is wanted; gives: what lies there.
    """

    name: str
    url: str
    known: str = ""
    inside: str = ""
    gives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """A set: its folder below the data, its size in MB, and the places that have all of it."""

    folder: str
    megabytes: int
    licence: str
    page: str
    places: tuple[tuple[File, ...], ...]


_DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
_HUB = "https://huggingface.co/datasets"


def _all(base: str, known: dict[str, str]) -> tuple[File, ...]:
    return tuple(File(name, base + name, f"md5:{md5}") for name, md5 in known.items())


# The MD5 of MNIST, SVHN, USPS and CelebA are those in torchvision's sources.
_MNIST = {
    "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
}
_SVHN = {
    "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
}
_USPS = {
    "usps.bz2": "ec16c51db3855ca6c91edd34d0e9b197",
    "usps.t.bz2": "8ea070ee2aca1ac39742fdd1ef5ed118",
}
_CELEBA = (
    ("img_align_celeba.zip", "0B7EVK8r0v71pZjFTYXZWM3FlRnM", "00d2c5bc6d35e252742224ab0c1e8fcb"),
    ("list_attr_celeba.txt", "0B7EVK8r0v71pblRyaVFSWGxPY0U", "75e246fa4810816ffd6ee81facbd244c"),
    ("list_eval_partition.txt", "0B7EVK8r0v71pY0NSMzRuSXJEVkk", "d32c9cbf5e040fd4025c592c306e6668"),
)
_SPLITS = ("mnist_m_train", "mnist_m_test")
_MNIST_M = File(
    "mnist_m.tar.gz",
    _DRIVE + "0B_tExHiYS-0veklUZHFYT19KYjg",
    "md5:859df31c91afe82e80e5012ba928f279",
    "mnist_m",
    (*_SPLITS, *(f"{split}_labels.txt" for split in _SPLITS)),
)
_MNIST_M_ON_HUB = tuple(
    File(f"{split}.parquet", f"{_HUB}/Mike0307/MNIST-M/resolve/main/data/{split}-{shard}.parquet")
    for split, shard in (
        ("train", "00000-of-00001-571b6b1e2c195186"),
        ("test", "00000-of-00001-ba3ad971b105ff65"),
    )
)
_BSDS500 = File(
    "BSR_bsds500.tgz",
    "https://www.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",
    "sha256:97e49d31764f3912f0c4122707d53062ac9e783ba0f095e447a4d53c1a41af8e",
    "BSR/BSDS500/data/images",
    ("train", "val", "test"),
)

SETS = {
    "mnist": Published(
        "mnist",
        12,
        "CC BY-SA 3.0",
        "http://yann.lecun.com/exdb/mnist/",
        (
            _all("https://ossci-datasets.s3.amazonaws.com/mnist/", _MNIST),
            _all("https://storage.googleapis.com/cvdf-datasets/mnist/", _MNIST),
        ),
    ),
    "mnist-m": Published(
        "mnist_m",
        143,
        "none is stated",
        "http://yaroslav.ganin.net/",
        ((_MNIST_M,), _MNIST_M_ON_HUB),
    ),
    "svhn": Published(
        "svhn",
        246,
        "non-commercial use only",
        "http://ufldl.stanford.edu/housenumbers/",
        (_all("http://ufldl.stanford.edu/housenumbers/", _SVHN),),
    ),
    "usps": Published(
        "usps",
        8,
        "none is stated",
        "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        (_all("https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/", _USPS),),
    ),
    "celeba": Published(
        "celeba",
        1473,
        "non-commercial research only",
        "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
        (tuple(File(name, _DRIVE + place, f"md5:{md5}") for name, place, md5 in _CELEBA),),
    ),
    "bsds500": Published(
        "bsds500",
        71,
        "non-commercial research and education only",
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
        ((_BSDS500,),),
    ),
}
"""Every set that can be fetched, by name."""


def get(name: str, out: Path, say: Say, watch: Watch) -> None:
    """Fetch the set `name`, one of SETS, into its folder below `out`; what is there is checked.

    say: is told each step, in a line. Raises RequestError where a file is there that is not the
    published one, or none can be written; WorkFailed where the network refuses.
    """
    asked = SETS[name]
    folder = out / asked.folder
    pooch.get_logger().setLevel("WARNING")
    say(f"{name}: {asked.megabytes:,} MB into {folder}; licence: {asked.licence} ({asked.page})")
    for files in asked.places:
        try:
            with writing(folder):
                folder.mkdir(parents=True, exist_ok=True)
                for file in files:
                    _provide(file, folder, say, watch)
            return
        except WorkFailed as failure:
            if files is not asked.places[-1]:
                say(f"{failure}; trying another place")
                continue
            names = ", ".join(file.name for file in asked.places[0])
            raise WorkFailed(
                f"{name} could not be fetched: {failure}; start again to go on, or fetch "
                f"{names} by hand from {asked.page} into {folder} and start again: it is checked"
            ) from failure


def _provide(file: File, folder: Path, say: Say, watch: Watch) -> None:
    """See to it that `folder` holds the file, or what it gives."""
    path = folder / file.name
    if file.gives and all((folder / given).exists() for given in file.gives):
        say(f"{folder}: {', '.join(file.gives)} are there")
        return
    record = path.with_name(f"{path.name}.sha256")
    known = file.known
    if not known and record.is_file():
        known = "sha256:" + record.read_text().split()[0]
    found = path.is_file()
    if found and known and not _has(path, known):
        raise RequestError(
            f"{path} is not the published file ({known}): move it away, or name another --out"
        )
    if not found:
        part = path.with_name(f".{path.name}.part")
        fetch = partial(_fetch, part=part, watch=partial(watch, file.name))
        try:
            pooch.retrieve(file.url, known or None, file.name, folder, downloader=fetch)
        except ValueError as error:  # another hash; pooch has removed the file
            raise WorkFailed(f"{file.url} gave another file than {known}") from error
    say(f"{path}: {'there already' if found else 'fetched'}, {_checked(path, known, record)}")
    if file.inside:
        _unpack(path, file)


def _has(path: Path, known: str) -> bool:
    algorithm, _, value = known.partition(":")
    return bool(pooch.file_hash(str(path), algorithm) == value)


def _checked(path: Path, known: str, record: Path) -> str:
    """Words on the file's hash; one that was not known is written into `record`."""
    if known:
        return f"as published ({known})" if not record.is_file() else f"as first seen ({known})"
    seen = pooch.file_hash(str(path), "sha256")
    write_atomically(record, f"{seen}  {path.name}\n".encode())
    return f"no hash is published: the one seen, sha256:{seen}, is in {record.name}"


def _fetch(
    url: str, goal: str, _: object, *, part: Path, watch: Callable[[int, int], None]
) -> None:
    """Fetch all of `url` by way of `part`, which outlives a failure, into the file `goal`."""
    for wait in (*WAITS, None):
        try:
            _receive(url, part, watch)
        except requests.RequestException as error:
            status = 0 if error.response is None else error.response.status_code
            if wait is None or 400 <= status < 500:
                raise WorkFailed(f"{url}: {_reason(error)}") from error
            time.sleep(wait)
        else:
            part.replace(goal)
            return


def _receive(url: str, part: Path, watch: Callable[[int, int], None]) -> None:
    """Receive what `part` lacks. Raises RequestException where the connection breaks."""
    have = part.stat().st_size if part.is_file() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=PATIENCE) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable and have:
            if answer.headers.get("Content-Range") == f"bytes */{have}":
                return  # it was whole
            part.unlink()
            raise requests.ConnectionError("what was here is of another file, and was removed")
        answer.raise_for_status()
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise WorkFailed(f"{url}: the server answers with a web page, not with the file")
        if answer.status_code != requests.codes.partial_content:
            have = 0  # the server can but begin anew
        total = have + int(answer.headers.get("Content-Length", 0))
        with part.open("ab" if have else "wb") as file:
            for piece in answer.iter_content(_PIECE):
                have += file.write(piece)
                watch(have, total)


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"{error.response.status_code} {error.response.reason}"
    return str(error).rpartition(": ")[2].strip("'\")( ")


def _unpack(archive: Path, file: File) -> None:
    """Put what `file` gives beside its archive, each whole or not at all; then remove that."""
    folder = archive.parent
    with TemporaryDirectory(prefix=".", dir=folder) as place:
        try:
            with tarfile.open(archive) as tar:
                tar.extractall(place, filter=partial(_inside, PurePosixPath(file.inside)))
            for name in file.gives:
                if not (folder / name).exists():
                    (Path(place) / name).rename(folder / name)
        except (tarfile.TarError, EOFError, FileNotFoundError) as error:
            raise WorkFailed(
                f"{archive} cannot be unpacked ({error}): unpack it by hand"
            ) from error
    archive.unlink()


def _inside(top: PurePosixPath, member: tarfile.TarInfo, place: str) -> tarfile.TarInfo | None:
    """The member by its path below `top`, where it has one; none may lead out of `place`."""
    path = PurePosixPath(member.name)
    if not path.is_relative_to(top) or path == top:
        return None
    return tarfile.data_filter(member.replace(name=str(path.relative_to(top)), deep=False), place)
