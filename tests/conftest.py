"""Tiny data and settings that many tests share."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from sparring.data.images import DataSet, Images
from sparring.runs import Library
from sparring.runs.progress import Screen, Task
from sparring.trainer import Status

DIGITS = tuple("0123456789")
CPU = torch.device("cpu")


def digits(count: int, seed: int, shade: int = 0, size: int = 32) -> Images:
    """Noise with a bright square whose place tells the class: easy to learn."""
    random = torch.Generator().manual_seed(seed)
    label = torch.arange(count) % 10
    pixels = torch.randint(0, 60, (count, 3, size, size), generator=random, dtype=torch.uint8)
    for index, value in enumerate(label.tolist()):
        row, column = divmod(value, 4)
        pixels[index, :, 8 * row + 4 : 8 * row + 12, 8 * column : 8 * column + 8] = 180
    return Images(pixels + shade, label, DIGITS)


def dataset(name: str, seed: int, shade: int = 0, count: int = 40) -> DataSet:
    return DataSet(name, "stand-in", digits(count, seed, shade), digits(30, seed + 1, shade))


def faces(count: int = 24) -> DataSet:
    random = torch.Generator().manual_seed(5)
    pixels = torch.randint(0, 256, (count, 3, 64, 64), generator=random, dtype=torch.uint8)
    label = torch.randint(0, 2, (count, 3), generator=random)
    images = Images(pixels, label, ("Male", "Smiling", "Young"))
    return DataSet("faces", "stand-in", images, images.take(torch.arange(16)), mirror=True)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the cache folder of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """A test fails for what it tests, not for weights that were drawn by chance."""
    torch.manual_seed(0)


@pytest.fixture
def library() -> Library:
    """A library that holds tiny sets under the names 'left', 'right' and 'faces'."""
    shelf = Library(None)
    shelf.put("left", dataset("left", 1))
    shelf.put("right", dataset("right", 2, shade=40))
    shelf.put("faces", faces())
    return shelf


@pytest.fixture
def scrambled(library: Library) -> Library:
    """The same sets, but the training labels of 'right' are wrong."""
    right = library.get("right", 32)
    assert right.train.labels is not None
    wrong = replace(right.train, labels=(right.train.labels + 3) % 10)
    shelf = Library(None)
    shelf.put("left", library.get("left", 32))
    shelf.put("right", replace(right, train=wrong))
    return shelf


class Onlooker(Screen):
    """Keeps what a training shows: each status, and the images."""

    def __init__(self) -> None:
        super().__init__()
        self.seen, self.images = list[Status](), list[np.ndarray[Any, Any]]()

    @contextmanager
    def task(self, label: str) -> Iterator[Task]:
        task = Task(label, None)
        task.update, task.look = self.seen.append, self.images.append  # type: ignore[method-assign]
        yield task


@pytest.fixture
def screen() -> Screen:
    return Screen()
