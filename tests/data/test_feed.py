from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from sparring import ranks
from sparring.data.feed import PairStream, Stream, normalise, to_pixels
from sparring.data.images import Images

CPU = torch.device("cpu")
ORDERS = [[1, 7, 3, 6], [9, 0, 8, 5], [2, 4, 8, 2]]
HEADS = [False, True, False, False, False, False, True, True]


def images(count: int, labelled: bool = True) -> Images:
    pixels = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)
    return Images(pixels.clone(), torch.arange(count) if labelled else None, ("x",))


def shown(batch: torch.Tensor) -> list[int]:
    return to_pixels(batch)[:, 0, 0, 0].tolist()


def test_normalise_and_back() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16).expand(1, 3, 16, 16)
    image = normalise(every)
    assert (image.min().item(), image.max().item()) == (-1, 1)
    assert torch.equal(to_pixels(image), every)
    assert to_pixels(torch.full((1, 3, 1, 1), 7.0)).max() == 255


@given(count=st.integers(1, 30), batch_size=st.integers(1, 40), seed=st.integers(0, 99))
def test_an_epoch_shows_every_image_once(count: int, batch_size: int, seed: int) -> None:
    stream = Stream(images(count), batch_size, (seed,), CPU)
    epochs = 3
    steps = -(-count * epochs // batch_size)
    order = torch.cat([stream.indices(step) for step in range(steps)])
    assert order.shape == (steps * batch_size,)
    for epoch in range(epochs):
        part = order[epoch * count : (epoch + 1) * count]
        assert sorted(part.tolist()) == list(range(count))


def test_batches_depend_on_seed_and_step_alone() -> None:
    first, second = (Stream(images(50), 8, (4,), CPU) for _ in range(2))
    ahead = first.indices(9)
    assert [first.indices(step).tolist() for step in (0, 9)] == [
        second.indices(0).tolist(),
        ahead.tolist(),
    ]
    assert Stream(images(50), 8, (5,), CPU).indices(9).tolist() != ahead.tolist()


def test_labels_stay_with_their_images() -> None:
    batch = Stream(images(20), 8, (0,), CPU).labelled(3)
    assert shown(batch.image) == batch.label.tolist()


def test_attributes_become_float() -> None:
    labels = torch.tensor([[0, 1], [1, 1]])
    source = replace(images(2), labels=labels, label_names=("a", "b"))
    assert Stream(source, 2, (0,), CPU).labelled(0).label.dtype == torch.float32


def test_domains_are_shuffled_independently_and_normalised_alike() -> None:
    source, target = (Stream(images(60), 16, (0, side), CPU) for side in (0, 1))
    batch = PairStream(source, target).pair(0)
    assert shown(batch.source.image) == batch.source.label.tolist()
    assert shown(batch.source.image) != shown(batch.target.image)
    both = set(shown(batch.source.image)) & set(shown(batch.target.image))
    assert both
    for value in both:
        left = batch.source.image[shown(batch.source.image).index(value)]
        right = batch.target.image[shown(batch.target.image).index(value)]
        assert torch.equal(left, right)


def test_mirroring_flips_about_half_and_only_when_asked() -> None:
    ramp = torch.arange(4, dtype=torch.uint8).expand(200, 3, 4, 4).clone()
    faces = Images(ramp, None, ())
    plain = Stream(faces, 200, (0,), CPU).unlabelled(0).image
    assert torch.equal(plain, normalise(ramp))
    mirrored = Stream(faces, 200, (0,), CPU, mirror=True).unlabelled(0).image
    flipped = (mirrored[:, 0, 0, 0] > mirrored[:, 0, 0, 3]).float().mean().item()
    assert flipped == pytest.approx(0.5, abs=0.1)


def test_an_unlabelled_set_has_no_labelled_batches() -> None:
    with pytest.raises(ValueError, match="unlabelled"):
        Stream(images(4, labelled=False), 2, (0,), CPU).labelled(0)


def test_the_numbers_on_a_cpu_are_those_of_the_first_edition() -> None:
    stream = Stream(images(10), 4, (3, 1), CPU, mirror=True)
    assert [stream.indices(step).tolist() for step in (0, 1, 2)] == ORDERS
    ramp = torch.arange(4, dtype=torch.uint8).expand(8, 3, 4, 4).clone()
    mirrored = Stream(Images(ramp, None, ()), 8, (3, 1), CPU, mirror=True).unlabelled(5).image
    assert (mirrored[:, 0, 0, 0] > mirrored[:, 0, 0, 3]).tolist() == HEADS


class Copies(TorchDispatchMode):
    """Counts what is brought from one device to another."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            tensors = [a for a in args if isinstance(a, torch.Tensor) and a.ndim]
            self.count += any(a.device != out.device for a in tensors)
        return out


def test_nothing_is_copied_to_the_device_inside_a_step() -> None:
    stream = Stream(images(100), 8, (0,), torch.device("meta"))
    with Copies() as copies:
        stream.labelled(0)
        assert copies.count == 1  # the epoch's order
        for step in range(1, 12):
            stream.labelled(step)
        assert copies.count == 1
        stream.labelled(12)
        assert copies.count == 2


def test_ranks_get_their_rows_of_the_same_batch() -> None:
    ramp = torch.arange(40 * 4, dtype=torch.uint8).reshape(40, 1, 1, 4).expand(-1, 3, 4, 4).clone()
    stream = Stream(Images(ramp, torch.arange(40), ("x",)), 9, (3,), CPU, mirror=True)
    whole = stream.labelled(5)
    parts = []
    for start, stop in ((0, 2), (2, 4), (4, 9)):
        with ranks._sharing(ranks._Share(start, stop, 9)):
            parts.append(stream.labelled(5))
            assert len(stream.unlabelled(5).image) == stop - start
    assert torch.equal(torch.cat([part.image for part in parts]), whole.image)
    assert torch.equal(torch.cat([part.label for part in parts]), whole.label)
