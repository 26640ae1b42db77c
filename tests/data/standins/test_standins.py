from collections.abc import Callable

import pytest
import torch

from sparring.data.images import DataSet
from sparring.data.standins import photo_digits, street_digits, toy_faces

every_standin = pytest.mark.parametrize(
    ("draw", "name", "size", "mirror"),
    [
        (photo_digits, "photo-digits", 32, False),
        (street_digits, "street-digits", 32, False),
        (toy_faces, "toy-faces", 64, True),
    ],
)


@every_standin
def test_describes_itself(draw: Callable[..., DataSet], name: str, size: int, mirror: bool) -> None:
    drawn = draw(train=30, test=20)
    assert (drawn.name, drawn.kind, drawn.mirror) == (name, "stand-in", mirror)
    for images, n in ((drawn.train, 30), (drawn.test, 20)):
        assert images.pixels.shape == (n, 3, size, size)
        assert images.pixels.is_contiguous()
        assert len(images.label_names) == 10
        assert images.labels is not None
        assert images.labels.dtype == torch.int64


@every_standin
def test_seed_decides_every_pixel(
    draw: Callable[..., DataSet], name: str, size: int, mirror: bool
) -> None:
    drawn = draw(seed=3, train=20, test=20)
    assert drawn.fingerprint() == draw(seed=3, train=20, test=20).fingerprint()
    assert drawn.train.fingerprint() != draw(seed=4, train=20, test=20).train.fingerprint()
    assert drawn.train.fingerprint() != drawn.test.fingerprint()


@every_standin
def test_size_of_one_split_leaves_the_other_alone(
    draw: Callable[..., DataSet], name: str, size: int, mirror: bool
) -> None:
    small, large = draw(train=10, test=15), draw(train=25, test=15)
    assert small.test.fingerprint() == large.test.fingerprint()
    assert draw(train=10, test=5).train.fingerprint() == small.train.fingerprint()


@every_standin
def test_no_image_is_drawn_twice_or_left_blank(
    draw: Callable[..., DataSet], name: str, size: int, mirror: bool
) -> None:
    drawn = draw(train=60, test=60)
    both = torch.cat([drawn.train.pixels, drawn.test.pixels])
    assert len(both.flatten(1).unique(dim=0)) == 120
    assert both.float().flatten(1).std(1).min() > 3
