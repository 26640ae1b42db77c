"""Sets that the studies make of others: other class shares, faces by sex, scikit-learn's digits."""

import torch
from benchmarks.skewed import SHARES, skewed
from sklearn.datasets import load_digits
from torch.nn.functional import interpolate

from sparring.data.images import DIGITS, DataSet, Images
from sparring.runs.library import Library

SMILES = ("no smile", "smile")


class MadeSets(Library):
    """A library that has these sets too."""

    def get(self, name: str, size: int) -> DataSet:
        return self.once(
            ("made", name, size), lambda: make(name, self, size) or Library.get(self, name, size)
        )

    def empty(self) -> "MadeSets":
        return MadeSets(self.data, self.sealed)


def make(name: str, library: Library, size: int) -> DataSet | None:
    """The set of this name; None where it is none of these.

    uci-digits: 1,797 scans of handwritten digits, 8x8 in grey, that come with scikit-learn; every
    fifth is for testing. women, men: CelebA's, whether they smile. SET-SHARES: see `skewed`.
    """
    base, _, shares = name.rpartition("-")
    if name == "uci-digits":
        return _uci_digits(size)
    if name in ("women", "men"):
        faces = library.get("celeba", size)
        parts = (_by_sex(part, name == "men") for part in (faces.train, faces.test))
        return DataSet(name, "real", *parts)
    if shares in SHARES:
        whole = library.get(base, size)
        parts = (skewed(part, SHARES[shares]) for part in (whole.train, whole.test))
        return DataSet(name, whole.kind, *parts)
    return None


def _uci_digits(size: int) -> DataSet:
    found = load_digits()
    grey = torch.from_numpy(found.images).float()[:, None] * (255 / 16)
    large = interpolate(grey, (size, size), mode="bilinear").round().clamp(0, 255).to(torch.uint8)
    pixels, labels = large.expand(-1, 3, -1, -1).contiguous(), torch.from_numpy(found.target).long()
    test = torch.arange(len(labels)) % 5 == 0
    train, tested = (Images(pixels[part], labels[part], DIGITS) for part in (~test, test))
    return DataSet("uci-digits", "real", train, tested)


def _by_sex(faces: Images, men: bool) -> Images:
    assert faces.labels is not None
    male, smiling = (faces.label_names.index(name) for name in ("Male", "Smiling"))
    chosen = faces.labels[:, male] == int(men)
    return Images(faces.pixels[chosen], faces.labels[chosen][:, smiling].long(), SMILES)
