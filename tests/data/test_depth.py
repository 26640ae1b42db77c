from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data.images import summary
from sparring.data.pictures import decoded, pictures_in, scale
from sparring.errors import RequestError
from tests.data.own import SIZE, load, pixels


def deep(folder: Path, values: np.ndarray, kind: str) -> None:
    """One picture of these values [N, H, W] a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, picture in enumerate(values):
        Image.fromarray(picture).save(folder / f"{k:02d}.{kind}")


GREY = np.stack([pixels(k)[:, :, 0] for k in range(12)])
GREY[0] //= 9  # a dark picture stays one
FLOATS = (GREY / np.float32(255)).astype(np.float32)


@pytest.mark.parametrize(
    ("values", "kind", "white"),
    [
        (FLOATS, "tiff", 1),
        (GREY.astype(np.float32), "tiff", 255),
        (GREY.astype(np.int32), "tiff", 255),
        (GREY.astype(np.int32) * 257, "tiff", 65535),
        (GREY.astype(np.uint16) * 16 + 5, "png", 4095),
        (GREY.astype(np.uint16) * 4 + 1, "png", 1023),
        (GREY.astype(np.uint16) * 256 + 77, "png", 65535),
    ],
)
def test_one_scale_for_the_whole_set(
    tmp_path: Path, values: np.ndarray, kind: str, white: float
) -> None:
    deep(tmp_path, values, kind)
    found = load(tmp_path)
    both = torch.cat([found.train.pixels, found.test.pixels])
    expected = {grey.tobytes() for grey in GREY}
    assert {image[0].numpy().tobytes() for image in both} == expected
    assert found.account.white == white
    assert f"white is {white} in pictures of more than 8 bits" in summary(found)
    # Shown to the model that was trained on it, a dark picture is as dark as in training.
    dark = [("dark", tmp_path / f"00.{kind}")]
    part = next(decoded(dark, SIZE, scale(dark, [found.account.white or 0])))
    assert np.array_equal(part[0][1], np.stack([GREY[0]] * 3))
    # And without a word of the scale, all that are shown together have one.
    files = pictures_in(tmp_path).items()
    shown = [picture for _, picture in next(decoded(files, SIZE, scale(files)))]
    assert np.array_equal(np.stack(shown)[:, 0], GREY)


def test_values_that_are_no_brightness_are_refused(tmp_path: Path) -> None:
    deep(tmp_path / "signed", FLOATS * 2 - 1, "tiff")
    with pytest.raises(RequestError, match=r"its values go from -1 to .* and black should be 0"):
        load(tmp_path / "signed")


def test_pictures_that_come_out_nearly_one_value_are_refused(tmp_path: Path) -> None:
    for k in range(12):
        mask = (pixels(k) // 26).astype(np.uint8)  # ten classes, as numbers
        Image.fromarray(mask).save(tmp_path / f"{k}.png")
    with pytest.raises(RequestError, match="nearly one value, about 9 of 255: stretch"):
        load(tmp_path)
