from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import pictures
from sparring.data.decode import decode
from sparring.data.pictures import decoded, in_parts, pictures_in
from sparring.errors import RequestError


def save(path: Path, seed: int, size: tuple[int, int] = (9, 9)) -> Path:
    values = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def test_files_are_treated_as_in_training(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{k}.png", k, (20 + k, 17)) for k in range(3)]
    found = torch.cat(list(in_parts(tmp_path, 8)))
    assert found.dtype == torch.uint8
    expected = [decode(path.read_bytes(), 8) for path in paths]
    assert np.array_equal(found.numpy(), np.stack(expected))
    listed = torch.cat(list(in_parts([str(paths[2]), paths[0]], 8)))
    assert torch.equal(listed, found[[2, 0]])
    assert torch.equal(next(in_parts(paths[1], 8)), found[1:2])


def test_a_file_that_is_named_twice_is_two_images_also_in_an_array_of_paths(
    tmp_path: Path,
) -> None:
    one, other = (save(tmp_path / f"{k}.png", k) for k in range(2))
    found = next(in_parts([one, other, one], 9))
    assert torch.equal(found, next(in_parts(tmp_path, 9))[[0, 1, 0]])
    for kind in (str, object):
        assert torch.equal(next(in_parts(np.array([one, other, one], kind), 9)), found)


@pytest.mark.parametrize("made", [torch.from_numpy, np.asarray])
def test_either_order_of_channels_gives_the_central_square(made: type) -> None:
    last = np.random.default_rng(0).integers(0, 256, (4, 6, 10, 3), dtype=np.uint8)
    found = next(in_parts(made(last), 6))
    assert np.array_equal(found.numpy(), last[:, :, 2:8].transpose(0, 3, 1, 2))
    first = np.ascontiguousarray(last.transpose(0, 3, 1, 2))
    assert torch.equal(next(in_parts(made(first), 6)), found)
    assert next(in_parts(made(last), 3)).shape == (4, 3, 3, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, 8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((2, 8, 8, 4), np.uint8),
        np.zeros((0, 8, 8, 3), np.uint8),
    ],
)
def test_what_is_no_image_is_told_with_its_type_and_shape(wrong: np.ndarray) -> None:
    with pytest.raises(RequestError, match=r"must be uint8 .*, not torch\.\w+ \["):
        list(in_parts(wrong, 8))


def test_channels_turned_round_are_read_as_they_stand() -> None:
    bgr = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    assert np.array_equal(next(in_parts(bgr[..., ::-1], 8)), bgr[..., ::-1].transpose(0, 3, 1, 2))


def test_a_list_is_of_files() -> None:
    with pytest.raises(RequestError, match=r"not a list of nothing$"):
        next(in_parts([], 8))
    with pytest.raises(RequestError, match=r"of ndarray \(np.stack makes one array\)$"):
        next(in_parts([np.zeros((8, 8, 3), np.uint8)], 8))  # type: ignore[list-item]
    of_two_sizes = np.empty(2, object)
    of_two_sizes[:] = [np.zeros((8, 8, 3), np.uint8), np.zeros((9, 8, 3), np.uint8)]
    with pytest.raises(RequestError, match=r"not a list of ndarray"):
        next(in_parts(of_two_sizes, 8))


def test_many_images_come_in_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pictures, "PART", 2)
    for k in range(5):
        save(tmp_path / f"{k}.png", k)
    parts = list(in_parts(tmp_path, 9))
    assert [len(part) for part in parts] == [2, 2, 1]
    array = torch.cat(parts)
    assert [len(part) for part in in_parts(array, 9)] == [2, 2, 1]
    assert torch.equal(torch.cat(list(in_parts(array, 9))), array)


def test_a_damaged_file_is_told_in_its_place(tmp_path: Path) -> None:
    save(tmp_path / "a" / "good.png", 0)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not an image")
    (name, picture), (bad, words) = next(decoded(pictures_in(tmp_path).items(), 4))
    assert (name, bad) == ("a/good.png", "b.jpg")
    assert isinstance(picture, np.ndarray)
    assert isinstance(words, str)
    with pytest.raises(RequestError, match=r"b\.jpg cannot be read"):
        list(in_parts(tmp_path, 4))


def test_a_zip_is_read_where_it_lies(tmp_path: Path) -> None:
    path = save(tmp_path / "one.png", 3)
    with ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.write(path, "inside/one.png")
    assert list(pictures_in(tmp_path / "set.zip")) == ["inside/one.png"]
    assert torch.equal(next(in_parts(tmp_path / "set.zip", 5)), next(in_parts(path, 5)))


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="holds no images"):
        pictures_in(tmp_path)
