from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.speed.pictures import (
    ImageFiles,
    centre_crop,
    normalise,
    resize,
    to_tensor,
    write_digits,
    write_faces,
)
from PIL import Image


def test_faces_are_stored_as_celeba_has_them_and_come_back_alike(tmp_path: Path) -> None:
    faces = write_faces(tmp_path, count=6)
    files = ImageFiles.of(faces, 64)
    with Image.open(files.paths[0]) as file:
        assert (file.format, file.size) == ("JPEG", (178, 218))
    assert len(files) == 6
    stored, label = files[2]
    held = faces.images()
    assert held.labels is not None
    assert held.label_names == ("Smiling",)
    assert label.tolist() == held.labels[2].tolist()
    assert stored.shape == (3, 64, 64)
    assert stored.dtype == torch.float32
    # The crop cuts away what is nearer than a sixth to the edges: compare the means.
    assert stored.mean().item() == pytest.approx(
        (held.pixels[2, :, 8:56, 8:56].float() / 127.5 - 1).mean().item(), abs=0.2
    )


def test_digits_of_32_pixels_keep_every_pixel(tmp_path: Path) -> None:
    source, target = write_digits(tmp_path, count=4)
    small, exact = ImageFiles.of(source, 32), ImageFiles.of(target, 32)
    with Image.open(small.paths[0]) as file:
        assert (file.format, file.size) == ("PNG", (28, 28))
    assert small[0][0].shape == (3, 32, 32)
    held = target.images()
    assert held.labels is not None
    for number in range(4):
        image, label = exact[number]
        torch.testing.assert_close(image, held.pixels[number].float() / 127.5 - 1)
        assert label == held.labels[number]


def test_the_transforms_are_the_tutorials() -> None:
    wide = Image.fromarray(np.arange(4 * 8 * 3, dtype=np.uint8).reshape(4, 8, 3))
    assert resize(wide, 2).size == (4, 2)
    cut = centre_crop(wide, 4)
    assert np.array_equal(np.array(cut), np.array(wide)[:, 2:6])
    tensor = to_tensor(cut)
    assert tensor.shape == (3, 4, 4)
    assert tensor[1, 0, 0].item() == pytest.approx(7 / 255)
    assert normalise(torch.tensor([0.0, 0.5, 1.0])).tolist() == [-1.0, 0.0, 1.0]
