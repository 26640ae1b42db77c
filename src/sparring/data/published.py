"""Published data sets: where they lie, under which licence, and the hashes of their files."""

from dataclasses import dataclass


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
