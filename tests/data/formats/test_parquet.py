import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from sparring.data.formats import parquet
from sparring.data.images import DIGITS
from sparring.errors import RequestError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), np.uint8)
EXPECTED = torch.from_numpy(PIXELS.transpose(0, 3, 1, 2).copy())
TRAIN, TEST = "train-00000-of-00001.parquet", "test-00000-of-00001.parquet"


def png(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write(
    path: Path,
    rows: slice = slice(0, 6),
    labels: Sequence[object] | None = (3, 1, 4, 1, 5, 9),
    names: Sequence[str] = (),
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": png(p), "path": f"{i}.png"} for i, p in enumerate(PIXELS[rows])]
    columns: dict[str, object] = {"image": images}
    if labels is not None:
        columns["label"] = labels[rows]
    table = pa.table(columns)
    if names:
        hub = {"info": {"features": {"label": {"names": list(names), "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(hub)})
    pq.write_table(table, path, row_group_size=2)


@pytest.mark.parametrize("place", ["", "data/", "cropped_digits/"])
@pytest.mark.parametrize("names", [("train.parquet", "test.parquet"), (TRAIN, TEST)])
def test_round_trip_wherever_the_hub_puts_it(
    tmp_path: Path, place: str, names: tuple[str, str]
) -> None:
    assert not parquet.found(tmp_path)
    write(tmp_path / place / names[0])
    assert not parquet.found(tmp_path)
    write(tmp_path / place / names[1], slice(4, 6))
    assert parquet.found(tmp_path)
    train, test = parquet.stored(tmp_path, DIGITS).read(4)
    assert torch.equal(train.pixels, EXPECTED)
    assert torch.equal(test.pixels, EXPECTED[4:])
    assert train.labels is not None
    assert train.labels.tolist() == [3, 1, 4, 1, 5, 9]
    assert train.labels.dtype == torch.int64
    assert train.label_names == tuple("0123456789")


def test_shards_are_joined_in_order_and_none_may_lack(tmp_path: Path) -> None:
    write(tmp_path / "train-00001-of-00002-0a1b.parquet", slice(2, 6))
    write(tmp_path / "test.parquet")
    with pytest.raises(RequestError, match="has 1 of 2 train shards"):
        parquet.stored(tmp_path, DIGITS).read(4)
    write(tmp_path / "train-00000-of-00002-2c3d.parquet", slice(0, 2))
    train, _ = parquet.stored(tmp_path, DIGITS).read(4)
    assert torch.equal(train.pixels, EXPECTED)
    assert train.labels is not None
    assert train.labels.tolist() == [3, 1, 4, 1, 5, 9]


def test_own_sets_take_their_class_names_from_the_hub_or_the_numbers(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", labels=(0, 1, 2, 1, 0, 1))
    write(tmp_path / "test.parquet", labels=(0, 1, 2, 3, 0, 1))
    assert parquet.stored(tmp_path).read(4).train.label_names == ("0", "1", "2", "3")
    write(tmp_path / "train.parquet", labels=(0, 1, 2, 1, 0, 1), names=("cat", "dog", "ox"))
    with pytest.raises(RequestError, match=r"label 3 of image 3 is not in 0\.\.2"):
        parquet.stored(tmp_path).read(4)
    write(tmp_path / "test.parquet", labels=(0, 1, 2, 2, 0, 1))
    assert parquet.stored(tmp_path).read(4).test.label_names == ("cat", "dog", "ox")


@pytest.mark.parametrize("wrong", [-1, 2**40])
def test_own_sets_cannot_have_any_number_as_a_class(tmp_path: Path, wrong: int) -> None:
    write(tmp_path / "train.parquet", labels=(0, 1, wrong, 3, 4, 5))
    write(tmp_path / "test.parquet")
    with pytest.raises(RequestError, match=rf"label {wrong} of image 2 is not in 0\.\."):
        parquet.stored(tmp_path).read(4)


def test_labels_may_lack(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", labels=None)
    write(tmp_path / "test.parquet", labels=None)
    train, _ = parquet.stored(tmp_path).read(4)
    assert train.labels is None
    assert train.label_names == ()
    assert torch.equal(train.pixels, EXPECTED)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ((0, 1, 2, 3, 10, 5), r"train\.parquet: label 10 of image 4 is not in 0\.\.9"),
        ((0, 1, 2, 3, -1, 5), "label -1 of image 4"),
        ((0.5, 1.0, 2.0, 3.0, 4.0, 5.0), "'label' is double"),
    ],
)
def test_wrong_labels(tmp_path: Path, labels: Sequence[object], told: str) -> None:
    write(tmp_path / "train.parquet", labels=labels)
    write(tmp_path / "test.parquet")
    with pytest.raises(RequestError, match=told):
        parquet.stored(tmp_path, DIGITS).read(4)


def test_another_schema_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": [b"x"], "label": [1]}), tmp_path / "train.parquet")
    write(tmp_path / "test.parquet")
    with pytest.raises(RequestError, match=r"no column image\{bytes, path\}"):
        parquet.stored(tmp_path, DIGITS).read(4)


def test_rows_without_bytes_count_as_undecodable(tmp_path: Path) -> None:
    images = [{"bytes": None, "path": "elsewhere.png"}]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"image": pa.array(images, kind), "label": [1]})
    pq.write_table(table, tmp_path / "train.parquet")
    write(tmp_path / "test.parquet")
    with pytest.raises(RequestError, match=r"1 of 1 images .* \(train\.parquet row 0\)"):
        parquet.stored(tmp_path, DIGITS).read(4)


def test_labels_of_undecodable_rows_are_left_out(tmp_path: Path) -> None:
    write(tmp_path / "test.parquet")
    images = [{"bytes": png(PIXELS[i % 6]), "path": None} for i in range(100)]
    images[40]["bytes"] = b"damaged"
    table = pa.table({"image": images, "label": [i % 6 for i in range(100)]})
    pq.write_table(table, tmp_path / "train.parquet")
    train, _ = parquet.stored(tmp_path, DIGITS).read(4)
    assert train.labels is not None
    assert len(train) == len(train.labels) == 99
    assert torch.equal(train.pixels, EXPECTED[train.labels])


def test_truncation_anywhere_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet")
    write(tmp_path / "test.parquet")
    whole = (tmp_path / "train.parquet").read_bytes()
    for length in [0, 3, *range(4, len(whole) - 1, 97), len(whole) - 1]:
        (tmp_path / "train.parquet").write_bytes(whole[:length])
        with pytest.raises(
            RequestError, match=r"train\.parquet is damaged.*replace it by a whole copy"
        ):
            parquet.stored(tmp_path, DIGITS).read(4)


def test_a_damaged_column_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet")
    write(tmp_path / "test.parquet")
    path = tmp_path / "train.parquet"
    path.write_bytes(path.read_bytes().replace(b"label", b"la\xbeel"))
    with pytest.raises(RequestError, match=r"train\.parquet is damaged"):
        parquet.stored(tmp_path, DIGITS).read(4)


def test_a_damaged_page_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet")
    write(tmp_path / "test.parquet")
    whole = bytearray((tmp_path / "train.parquet").read_bytes())
    whole[4:40] = bytes(36)
    (tmp_path / "train.parquet").write_bytes(whole)
    with pytest.raises(RequestError, match=r"train\.parquet is damaged"):
        parquet.stored(tmp_path, DIGITS).read(4)


def columns(path: Path, **values: object) -> None:
    pq.write_table(pa.table(values), path)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"image.bytes": [b"x"]}, "has no column image.*, but "),
        ({"image": [[{"bytes": b"x"}]]}, "has no column image.*, but "),
        ({"image": [{"bytes": "text"}]}, "has no column image.*, but "),
        ({"image": [b"x"]}, "has no column image.*, but "),
    ],
)
def test_columns_of_other_kinds(tmp_path: Path, values: dict[str, object], told: str) -> None:
    for name in ("train.parquet", "test.parquet"):
        columns(tmp_path / name, **values)
    with pytest.raises(RequestError, match=told):
        parquet.stored(tmp_path).read(4)


def test_two_columns_of_labels(tmp_path: Path) -> None:
    images = pa.array([{"bytes": png(PIXELS[0]), "path": ""}])
    table = pa.Table.from_arrays(
        [images, pa.array([0]), pa.array([1])], ["image", "label", "label"]
    )
    for name in ("train.parquet", "test.parquet"):
        pq.write_table(table, tmp_path / name)
    with pytest.raises(
        RequestError, match=r"or two of one name, but image .*, label .int64., label .int64."
    ):
        parquet.stored(tmp_path).read(4)


def test_a_shard_that_does_not_count(tmp_path: Path) -> None:
    write(tmp_path / "train-a-of-b.parquet")
    write(tmp_path / "test.parquet")
    assert len(parquet.stored(tmp_path).read(4).train) == 6


@pytest.mark.parametrize("names", ["3", [1, 2], {"a": 1}, None, "[" * 50_000])
def test_class_names_that_are_no_list_of_names_are_not_used(tmp_path: Path, names: object) -> None:
    for file in ("train.parquet", "test.parquet"):
        write(tmp_path / file)
        hub = json.dumps({"info": {"features": {"label": {"names": names}}}})
        hub = "[" * 50_000 if names == "[" * 50_000 else hub
        table = pq.read_table(tmp_path / file).replace_schema_metadata({"huggingface": hub})
        pq.write_table(table, tmp_path / file)
    assert parquet.stored(tmp_path).read(4).train.label_names == tuple("0123456789")


def test_a_class_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    for file in ("train.parquet", "test.parquet"):
        write(tmp_path / file, names=["\ud800"] * 10)
    with pytest.raises(RequestError, match="is not UTF-8"):
        parquet.stored(tmp_path).read(4)


def test_files_that_name_the_classes_differently(tmp_path: Path) -> None:
    for file, names in (("train.parquet", ("cat", "dog")), ("test.parquet", ("dog", "cat"))):
        write(tmp_path / file, labels=(0, 1, 0, 1, 0, 1), names=names)
    with pytest.raises(RequestError, match="name the classes differently: mend one"):
        parquet.stored(tmp_path).read(4)
