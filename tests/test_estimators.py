"""Training in Python: scikit-learn's conventions, and data in memory is what is learned."""

import doctest
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_checks

import sparring
from sparring import defaults, estimators, model
from sparring.errors import RequestError
from sparring.methods import METHODS
from sparring.runs.folder import Run
from tests.cli.folders import CLASSES, Tiny, class_folders, mixed
from tests.cli.test_generate import Painter
from tests.conftest import digits

QUICK = {"steps": 2, "batch_size": 4, "device": "cpu"}
CHECKS = (
    estimator_checks.check_parameters_default_constructible,
    estimator_checks.check_no_attributes_set_in_init,
    estimator_checks.check_get_params_invariance,
    estimator_checks.check_set_params,
    estimator_checks.check_estimator_cloneable,
    estimator_checks.check_estimator_repr,
    estimator_checks.check_mixin_order,
    estimator_checks.check_valid_tag_types,
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in (("tiny", Tiny), ("painter", Painter)):
        monkeypatch.setitem(METHODS, name, kind)
    monkeypatch.setattr(defaults, "ADAPT", "tiny")
    monkeypatch.setattr(defaults, "GENERATE", "painter")
    monkeypatch.setattr(defaults, "JUDGED", 30)


def arrays(count: int = 40, shade: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """uint8 [N, 32, 32, 3] and int64 [N]."""
    found = digits(count, 5, shade)
    assert found.labels is not None
    return found.pixels.permute(0, 2, 3, 1).numpy(), found.labels.numpy()


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("kind", [sparring.Adapter, sparring.Generator])
def test_the_conventions_of_scikit_learn(check: object, kind: type) -> None:
    check(kind.__name__, kind())  # type: ignore[operator]


def test_parameters_go_round() -> None:
    adapter = sparring.Adapter("tiny", steps=7)
    assert clone(adapter).get_params() == adapter.get_params()
    pipe = Pipeline([("adapt", adapter), ("rest", "passthrough")])
    for chosen in ParameterGrid({"adapt__steps": [3, 4], "adapt__method": ["dann"]}):
        changed = clone(pipe).set_params(**chosen)
        assert changed.get_params()["adapt__steps"] == chosen["adapt__steps"]
        assert changed["adapt"].method == "dann"
    assert repr(adapter) == "Adapter(method='tiny', steps=7)"


def test_arrays_in_and_their_own_labels_out(tmp_path: Path) -> None:
    images, numbers = arrays()
    labels = numbers % 3 + 7
    target, _ = arrays(30, shade=40)
    of_a_grid = {"seed": np.int64(0), "size": np.int64(32)}
    adapter = sparring.Adapter(**QUICK, **of_a_grid, folder=tmp_path / "kept")
    assert adapter.fit((images, labels), target) is adapter
    assert adapter.classes_.tolist() == [7, 8, 9]
    chances = adapter.predict_proba(target)
    said = adapter.predict(target)
    assert said.tolist() == (chances.argmax(1) + 7).tolist()
    assert adapter.score(target, said) == 1.0
    truth = np.resize([7, 8, 9], len(said))
    assert adapter.score(target, truth) == accuracy_score(truth, said)
    assert adapter.transform(target).shape[0] == 30
    middle, low, high = adapter.expected_accuracy_
    assert 0 <= low <= middle <= high <= 1
    # The model is that of the run that is kept; saved and loaded, it answers alike.
    scenario = "adapted" if adapter.helped_ else "source-only"
    run = Run(tmp_path / "kept" / "runs" / f"tiny-source-target-{scenario}-0")
    assert run.config.data["source"].train == 32
    assert run.config.data["target"].train == run.config.data["target"].test == 30
    assert not run.config.data["target"].labelled
    adapter.save(tmp_path / "saved")
    for file in ("model.safetensors", "config.json", "README.md"):
        saved = (tmp_path / "saved" / file).read_bytes()
        assert saved == (run.path / "model" / file).read_bytes()
    loaded = sparring.load(tmp_path / "saved")
    assert isinstance(loaded, model.Classifier)
    assert np.array_equal(loaded.predict_proba(target), chances)
    assert loaded.predict(target) == list(map(str, said))


def test_forms_of_the_same_images_give_the_same_model(tmp_path: Path) -> None:
    images, labels = arrays()
    shaded = images + 40
    first = sparring.Adapter(**QUICK).fit((images, labels), shaded)
    tensors = [torch.from_numpy(values).permute(0, 3, 1, 2) for values in (images, shaded)]
    second = sparring.Adapter(**QUICK).fit((tensors[0], list(labels)), tensors[1])
    assert np.array_equal(first.predict_proba(images), second.predict_proba(images))
    grey = images[..., 0]
    third = sparring.Adapter(**QUICK).fit((grey, labels), grey)
    full = np.repeat(grey[..., None], 3, 3)
    assert np.array_equal(third.predict_proba(grey), third.predict_proba(full))


def test_folders_in_and_names_out(tmp_path: Path) -> None:
    source, target = class_folders(tmp_path / "drawn", each=6), mixed(tmp_path / "photos", each=2)
    adapter = sparring.Adapter(**QUICK).fit(source, target)
    assert adapter.classes_.tolist() == list(CLASSES)
    assert set(adapter.predict(source)) <= set(CLASSES)
    assert adapter.model_.config.data["target"].name == "target"


@pytest.mark.parametrize("listed", [False, True])
def test_a_dark_picture_of_12_bits_is_as_dark_as_in_training(tmp_path: Path, listed: bool) -> None:
    images, labels = arrays(12)
    grey = images[..., 0].astype(np.uint16) * 16 + 5
    grey[0] //= 9
    (tmp_path / "deep").mkdir()
    paths = [tmp_path / "deep" / f"{k:02}.png" for k in range(12)]
    for path, values in zip(paths, grey, strict=True):
        Image.fromarray(values).save(path)
    source, target = ((paths, labels), images) if listed else ((images, labels), tmp_path / "deep")
    model = sparring.Adapter(**QUICK).fit(source, target).model_
    assert np.array_equal(
        model.predict_proba(paths[0]), model.predict_proba((grey[:1] // 16).astype(np.uint8))
    )


def test_what_cannot_be_fitted() -> None:
    images, labels = arrays()
    adapter = sparring.Adapter(**QUICK)
    with pytest.raises(NotFittedError):
        adapter.predict(images)
    with pytest.raises(RequestError, match="40 images but 39 labels"):
        adapter.fit((images, labels[1:]), images)
    for wrong in (labels[:, None], np.eye(10)[labels], np.where(labels > 4, np.nan, 0.0)):
        with pytest.raises(RequestError, match=r"must be \[N\], and no NaN"):
            adapter.fit((images, wrong), images)
    with pytest.raises(RequestError, match="none missing"):
        adapter.fit((images, ["ant", None] * 20), images)
    with pytest.raises(RequestError, match=r"a path, or \(images, labels\) as a pair$"):
        adapter.fit([images, labels], images)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="uint8"):
        adapter.fit((images / 255, labels), images)
    with pytest.raises(RequestError, match="uint8"):
        adapter.fit((images, labels), images[0])  # one image is no set of grey ones
    with pytest.raises(RequestError, match="unknown method 'painter'"):
        sparring.Adapter("painter", **QUICK).fit((images, labels), images)
    generator = sparring.Generator(size=16, **QUICK)
    with pytest.raises(NotFittedError):
        generator.sample(1)
    with pytest.raises(RequestError, match="40 images, and a generator needs 200"):
        generator.fit(images)
    with pytest.raises(RequestError, match="must be 0 or 1"):
        generator.fit(images, {"Smiling": labels})
    with pytest.raises(RequestError, match=r"\[N\] each"):
        generator.fit(images, {"Smiling": labels % 2, "Male": labels[1:] % 2})
    with pytest.raises(RequestError, match=r"\[N\] each"):
        generator.fit(images, {"Smiling": 1})
    with pytest.raises(RequestError, match=r"must be \[N\]"):
        generator.fit(images, np.eye(2)[labels % 2])  # would be two attributes, 0.0 and 1.0
    with pytest.raises(RequestError, match=r"must be \[N\]"):
        generator.fit(images, "none")
    with pytest.raises(RequestError, match="lie there"):
        generator.fit("shoes", labels)


@pytest.mark.parametrize("kind", [sparring.Adapter, sparring.Generator])
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"steps": 0}, "--steps must be at least 1"),
        ({"steps": 1e3}, "--steps must be a whole number, not 1000.0"),
        ({"batch_size": 1}, "--batch-size at least 2"),
        ({"seed": None}, "--seed must be a whole number, not None"),
        ({"seed": -1}, "--seed must lie in 0"),
    ],
)
def test_trainings_that_cannot_be(kind: type, wrong: dict[str, object], why: str) -> None:
    with pytest.raises(RequestError, match=why):
        kind(**{**QUICK, **wrong}).fit("nowhere", "else")


def test_a_generator_of_each_kind_of_labels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(defaults, "FEWEST", 40)
    images, labels = arrays()
    numbers = {"steps": 2, "size": 16, "judge_steps": 1, "seed": 3}
    asked = {**QUICK, **{name: np.int64(value) for name, value in numbers.items()}}  # of a grid
    plain = sparring.Generator(**asked).fit(images)
    assert plain.labels_ == ()
    assert plain.sample(3).shape == (3, 16, 16, 3)
    classes = sparring.Generator(**asked).fit(images, [CLASSES[k % 3] for k in labels])
    assert classes.labels_ == CLASSES
    assert classes.pairs(2, "bee").shape == (2, 2, 16, 16, 3)
    assert np.array_equal(classes.sample(2, seed=4, label="bee"), classes.pairs(2, "bee", 4)[:, 1])
    both = {"Smiling": labels % 2, "Young": (labels > 4).astype(object)}
    faces = sparring.Generator(**asked, folder=tmp_path / "runs").fit(images, both)
    assert faces.labels_ == ("Smiling", "Young")
    assert faces.scores_["diversity"] >= 0
    faces.save(tmp_path / "faces")
    loaded = sparring.load(tmp_path / "faces")
    assert isinstance(loaded, model.Generator)
    assert np.array_equal(loaded.sample(2, Smiling=1, Young=0), faces.sample(2, Smiling=1, Young=0))
    source = class_folders(tmp_path / "shoes", each=15)
    assert sparring.Generator(**asked).fit(source, "none").labels_ == ()
    assert sparring.Generator(**asked).fit(source, "cow,ant").labels_ == ("cow", "ant")
    assert sparring.Generator(**asked).fit(source).labels_ == CLASSES


def test_held_out_images_are_a_fifth_of_every_class() -> None:
    images, labels = arrays(50)
    names, numbers = estimators._numbered(labels)
    made = estimators._in_memory("x", images, 32, names, numbers)
    assert made.test.labels is not None
    assert torch.bincount(made.test.labels).tolist() == [1] * 10
    assert len(made.train) == 40
    both = torch.cat([made.train.pixels, made.test.pixels]).flatten(1).unique(dim=0)
    assert len(both) == len(torch.from_numpy(images).flatten(1).unique(dim=0))
    # Images keep their labels.
    for part in (made.train, made.test):
        assert part.labels is not None
        for pixels, label in zip(part.pixels, part.labels.tolist(), strict=True):
            row, column = divmod(label, 4)
            assert (pixels[:, 8 * row + 4 : 8 * row + 12, 8 * column : 8 * column + 8] == 180).all()


def test_the_examples_in_the_docstrings() -> None:
    assert doctest.testmod(estimators) == (0, 13)
