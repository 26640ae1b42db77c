from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparring.data.images import summary
from sparring.errors import RequestError
from tests.data.own import labels, load, parquet, seeds


def test_a_train_split_alone_is_split_and_validation_serves(tmp_path: Path) -> None:
    numbers = [k % 3 for k in range(30)]
    parquet(tmp_path / "a" / "train-00000-of-00001.parquet", range(30), "img", label=numbers)
    found = load(tmp_path / "a")
    assert len(found.train) + len(found.test) == 30
    assert labels(found) == {k: str(k % 3) for k in range(30)}
    parquet(
        tmp_path / "a" / "validation-00000-of-00001.parquet", range(30, 36), "img", label=[0] * 6
    )
    found = load(tmp_path / "a")
    assert seeds(found.test.pixels) == list(range(30, 36))
    assert "no image for testing of 1, 2" in summary(found)
    alone = load(tmp_path / "a" / "train-00000-of-00001.parquet")
    assert len(alone.train) + len(alone.test) == 30


def test_text_labels_and_bool_attributes(tmp_path: Path) -> None:
    words = ["cat" if k % 2 else "dog" for k in range(20)]
    ids = list(range(20))
    parquet(tmp_path / "words" / "train" / "0000.parquet", range(20), label=words, id=ids)
    parquet(tmp_path / "words" / "test" / "0000.parquet", range(20, 40), label=words, id=ids)
    found = load(tmp_path / "words")
    assert labels(found) == {k: "cat" if k % 2 else "dog" for k in range(40)}
    assert seeds(found.test.pixels) == list(range(20, 40))
    smiling, male = [k % 2 == 0 for k in range(20)], [k % 3 == 0 for k in range(20)]
    parquet(tmp_path / "bools" / "data.parquet", range(20), Smiling=smiling, Male=male, id=ids)
    found = load(tmp_path / "bools")
    assert found.train.label_names == ("Smiling", "Male")
    assert found.train.labels is not None
    expected = [[int(k % 2 == 0), int(k % 3 == 0)] for k in seeds(found.train.pixels)]
    assert found.train.labels.tolist() == expected


def test_configurations_and_other_columns_are_named_in_the_refusal(tmp_path: Path) -> None:
    for place in ("full", "small"):
        parquet(
            tmp_path / "set" / place / "train.parquet", range(20), label=[k % 2 for k in range(20)]
        )
    with pytest.raises(
        RequestError, match=r"has the configurations full, small: name one, as .*full"
    ):
        load(tmp_path / "set")
    assert len(load(tmp_path / "set" / "small").train.label_names) == 2
    (tmp_path / "odd").mkdir()
    pq.write_table(
        pa.table({"picture": [b"x"], "score": [0.5]}), tmp_path / "odd" / "train.parquet"
    )
    with pytest.raises(RequestError, match=r"but picture \(binary\), score \(double\): write"):
        load(tmp_path / "odd")
    parquet(tmp_path / "rows" / "train.parquet", range(20), label=[None, *[0, 1] * 9, 0])
    assert "1 rows without a label" in summary(load(tmp_path / "rows"))


def test_an_empty_file_and_places_that_are_not_read(tmp_path: Path) -> None:
    parquet(tmp_path / "set" / "data" / "train.parquet", range(20), label=[0, 1] * 10)
    parquet(tmp_path / "set" / "other" / "train.parquet", range(20), label=[0, 1] * 10)
    told = summary(load(tmp_path / "set"))
    assert f"read from {tmp_path / 'set' / 'data'}, not from other" in told
    parquet(tmp_path / "set" / "data" / "test.parquet", range(0), label=pa.array([], pa.int64()))
    with pytest.raises(RequestError, match=r"test\.parquet has no rows: remove it, or write it"):
        load(tmp_path / "set")


def test_test_labels_that_were_kept_back_are_none(tmp_path: Path) -> None:
    parquet(tmp_path / "train.parquet", range(20), label=[0, 1] * 10)
    parquet(tmp_path / "test.parquet", range(20, 25), label=[-1] * 5)
    found = load(tmp_path)
    assert found.train.labels is not None
    assert found.test.labels is None
    assert "2 classes: 0, 1 (labels for training alone)" in summary(found)
