import pytest
import torch

from sparring.data.pixels import DIGITS, check_labels, digit_images, resize
from sparring.errors import RequestError


def test_pixels_of_the_size_are_kept_and_grey_becomes_rgb() -> None:
    grey = torch.randint(256, (5000, 1, 4, 4), dtype=torch.uint8)  # more than one chunk
    same = resize(grey, 4)
    assert same.shape == (5000, 3, 4, 4)
    assert same.dtype == torch.uint8
    assert torch.equal(same, grey.expand(-1, 3, -1, -1))


def test_shrinking_averages_where_sampling_would_miss_stripes() -> None:
    stripes = torch.tensor([255, 0, 0] * 3, dtype=torch.uint8).expand(1, 3, 9, 9)
    assert (resize(stripes, 3)[..., 1].long() - 85).abs().max() <= 30


def test_bilinear_positions_rounded_to_the_nearest() -> None:
    ramp = torch.tensor([[[[0, 101]]]], dtype=torch.uint8).expand(1, 1, 2, 2)
    assert resize(ramp, 4)[0, 0, 0].tolist() == [0, 25, 76, 101]
    assert resize(torch.full((1, 1, 7, 7), 255, dtype=torch.uint8), 32).unique().tolist() == [255]


@pytest.mark.parametrize("wrong", [-1, 10])
def test_a_label_out_of_range_is_named_with_its_image(wrong: int) -> None:
    check_labels(torch.tensor([0, 9]), 10, "here")
    with pytest.raises(RequestError, match=rf"here: label {wrong} of image 2 is not in 0\.\.9"):
        check_labels(torch.tensor([0, 9, wrong, wrong]), 10, "here")


def test_digits_need_as_many_labels_as_images() -> None:
    pixels = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    assert digit_images(pixels, torch.tensor([3, 4]), 4, "here").label_names == DIGITS
    with pytest.raises(RequestError, match="here has 2 images and 1 labels"):
        digit_images(pixels, torch.tensor([3]), 4, "here")
    with pytest.raises(RequestError, match="here has 0 images and 0 labels"):
        digit_images(pixels[:0], torch.tensor([]).long(), 4, "here")
