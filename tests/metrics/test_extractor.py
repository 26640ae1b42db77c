from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import Tensor

from sparring.data.images import Images
from sparring.errors import Stopped
from sparring.game import LabelKind
from sparring.metrics.extractor import (
    Extractor,
    features_of,
    shifted,
    skill,
    task_of,
    train_extractor,
    verdicts,
)
from tests.conftest import CPU


def shades(count: int, seed: int) -> Images:
    """Noise on which two attributes are easy to see: a red image, a dark right half."""
    own = torch.Generator().manual_seed(seed)
    pixels = torch.randint(80, 160, (count, 3, 16, 16), generator=own, dtype=torch.uint8)
    label = torch.randint(0, 2, (count, 2), generator=own)
    pixels[label[:, 0] == 1, 0] += 90
    pixels[label[:, 1] == 1, :, :, 8:] -= 70
    return Images(pixels, label, ("Red", "Dark"))


class Reader(Extractor):
    """A judge that reads its two verdicts from the first pixel."""

    def __init__(self, label_kind: LabelKind = "attributes") -> None:
        super().__init__("reader", ("A", "B"), label_kind, width=1)

    def logits(self, pixels: Tensor) -> Tensor:
        return pixels[:, :2, 0, 0].float() - 127.5


def image_of(*values: tuple[int, int]) -> Tensor:
    pixels = torch.zeros(len(values), 3, 4, 4, dtype=torch.uint8)
    pixels[:, :2, 0, 0] = torch.tensor(values, dtype=torch.uint8) * 255
    return pixels


def test_skill_by_hand() -> None:
    truth = torch.tensor([[1, 1], [0, 1], [0, 1], [0, 1]])
    found = skill(Reader(), Images(image_of((1, 1), (1, 1), (0, 1), (0, 0)), truth, ("A", "B")))
    assert found.accuracy == {"A": 0.75, "B": 0.75}
    assert found.always == {"A": 0.75, "B": 1.0}
    assert found.balanced["A"] == pytest.approx((2 / 3 + 1) / 2)
    assert found.balanced["B"] is None
    assert found.mean_balanced == found.balanced["A"]
    assert found.n == 4


def test_it_learns() -> None:
    network, found = train_extractor(shades(128, 0), shades(60, 1), 0, CPU, steps=45)
    assert found.accuracy["Red"] > 0.95
    assert found.accuracy["Dark"] > 0.95
    assert network.name == "convnet-attributes"
    assert not network.training


def test_training_repeats_by_seed_and_leaves_the_random_state_alone() -> None:
    torch.manual_seed(4)
    expected = torch.rand(1)
    torch.manual_seed(4)
    one, _ = train_extractor(shades(9, 0), shades(4, 1), 0, CPU, steps=2)
    assert torch.rand(1) == expected
    again, _ = train_extractor(shades(9, 0), shades(4, 1), 0, CPU, steps=2)
    other, _ = train_extractor(shades(9, 0), shades(4, 1), 1, CPU, steps=2)
    assert torch.equal(one.head.weight, again.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)


def test_training_images_are_moved_by_up_to_two_pixels() -> None:
    image = torch.zeros(1, 3, 9, 9)
    image[..., 4, 4] = 1
    places = {tuple(shifted(image)[0, 0].nonzero()[0].tolist()) for _ in range(300)}
    assert places == {(row, column) for row in range(2, 7) for column in range(2, 7)}


def test_features_and_verdicts_do_not_depend_on_the_batch() -> None:
    torch.manual_seed(0)
    network = Extractor("convnet-attributes", ("A", "B", "C"), "attributes").eval()
    pixels = shades(9, 3).pixels
    whole, parts = features_of(network, pixels), features_of(network, pixels, batch_size=4)
    assert whole.shape == (9, 256)
    assert whole.dtype == np.float32
    assert np.allclose(whole, parts, atol=1e-6)
    expected = network.logits(pixels) > 0
    assert np.array_equal(verdicts(network, pixels, batch_size=4), expected.numpy())


def test_of_classes_the_likeliest_is_the_one_verdict() -> None:
    judge = Reader("classes")
    # The logits are 127.5 or -127.5: both high, both low, then one of each; of equal ones A.
    seen = verdicts(judge, image_of((1, 1), (0, 0), (1, 0), (0, 1)))
    assert seen.tolist() == [[True, False], [True, False], [True, False], [False, True]]
    found = skill(
        judge, Images(image_of((1, 0), (0, 1), (1, 1)), torch.tensor([0, 1, 1]), ("A", "B"))
    )
    assert found.accuracy == {"A": pytest.approx(2 / 3), "B": pytest.approx(2 / 3)}
    assert found.balanced["A"] == pytest.approx((1 + 1 / 2) / 2)


def test_exclusive_classes_are_learned_with_one_head() -> None:
    def coloured(count: int, seed: int) -> Images:
        own = torch.Generator().manual_seed(seed)
        pixels = torch.randint(0, 120, (count, 3, 16, 16), generator=own, dtype=torch.uint8)
        label = torch.arange(count) % 3
        pixels[torch.arange(count), label] += 60
        return Images(pixels, label, ("red", "green", "blue"))

    network, found = train_extractor(coloured(120, 0), coloured(60, 1), 0, CPU, steps=30)
    assert (network.name, network.label_kind) == ("convnet-classes", "classes")
    assert (verdicts(network, coloured(30, 2).pixels).sum(1) == 1).all()
    assert found.mean_balanced is not None
    assert found.mean_balanced > 0.95


def test_unlabelled_images_are_turned_and_the_turn_is_the_label() -> None:
    images = shades(40, 0).unlabelled()
    before = images.pixels.clone()
    name, found = task_of(images, 0)
    assert name == "convnet-quarter-turns"
    assert torch.equal(images.pixels, before)
    assert found.labels is not None
    assert found.kind == "classes"
    assert found.labels.bincount(minlength=4).min() > 0
    for image, turned, label in zip(before, found.pixels, found.labels, strict=True):
        assert torch.equal(turned, image.rot90(int(label), (1, 2)))


def test_it_learns_from_unlabelled_images() -> None:
    # The right half is dark, always: the turn can be told.
    def dark(seed: int) -> Images:
        images = shades(200, seed)
        assert images.labels is not None
        return images.take(images.labels[:, 1].nonzero()[:, 0]).unlabelled()

    network, found = train_extractor(dark(0), dark(1), 0, CPU, steps=20)
    assert network.name == "convnet-quarter-turns"
    assert found.mean_balanced is not None
    assert found.mean_balanced > 0.9


def test_a_request_to_stop_ends_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparring.metrics.extractor.stop_requests", lambda: nullcontext([2]))
    with pytest.raises(Stopped, match="stopped while the convnet-attributes learned") as stop:
        train_extractor(shades(20, 0), shades(20, 1), 0, CPU, steps=10_000)
    assert stop.value.signal == 2
