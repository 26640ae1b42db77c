import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

import sparring
from sparring import estimators, model
from sparring.checkpoints import weights_of
from sparring.data.feed import normalise, to_pixels
from sparring.errors import RequestError
from sparring.game import (
    AdaptationMethod,
    Batch,
    GenerativeMethod,
    LabelKind,
    Labelled,
    Method,
    Pair,
    Shape,
    Unlabelled,
)
from sparring.methods import ACGAN, DANN, DCGAN, DSN, METHODS, ProjectionGAN
from sparring.model import Classifier, Generator, load
from sparring.model_folder import TrainedOn, save
from sparring.noise import between, fixed_noise
from sparring.trainer import Trainer, Training
from tests.conftest import CPU

NAMES = ("cat", "dog", "shoe")
PIXELS = torch.randint(0, 256, (7, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator())
SMALL = {
    DCGAN: {"width": 4},
    ACGAN: {"width": 4},
    ProjectionGAN: {"width": 4, "discriminator_width": 4},
    DANN: {"encoder": "small"},
    DSN: {"encoder": "small"},
}


def batch_of(method: type[Method], kind: LabelKind) -> Batch:
    """A batch of four images, with labels of that kind."""
    size = 64 if issubclass(method, GenerativeMethod) else 32
    own = torch.Generator().manual_seed(0)
    image = torch.rand(4, 3, size, size, generator=own) * 2 - 1
    label = torch.arange(4) % 3
    if kind == "attributes":
        label = torch.randint(0, 2, (4, 3), generator=own).float()
    if kind == "none":
        return Unlabelled(image)
    if issubclass(method, GenerativeMethod):
        return Labelled(image, label)
    return Pair(Labelled(image, label), Unlabelled(image.flip(0)))


def trained(folder: Path, kind: type[Method], labels: LabelKind) -> tuple[Method, Shape]:
    """A method after two steps, in evaluation mode, saved in folder/model."""
    torch.manual_seed(1)
    size = 64 if issubclass(kind, GenerativeMethod) else 32
    shape = Shape(size, () if labels == "none" else NAMES, labels)
    method = kind(**SMALL.get(kind, {}))
    method.build(shape)
    batch = batch_of(kind, labels)
    training = Training(2, 4, "float32")
    Trainer(method, lambda step: batch, training, folder, CPU).run()
    data = {"images": TrainedOn("toys", "sha256:1234")}
    save(folder / "model", method, shape, preset="report2019", data=data, card="# Toys\n")
    return method, shape


def kinds() -> Iterator[tuple[str, LabelKind]]:
    for name, method in METHODS.items():
        if issubclass(method, AdaptationMethod):
            yield name, "classes"
            continue
        if issubclass(Unlabelled, method.batch_type):
            yield name, "none"
        if issubclass(Labelled, method.batch_type):
            yield from ((name, "classes"), (name, "attributes"))


@torch.inference_mode()
def outputs(method: Method, labels: LabelKind) -> np.ndarray:
    if isinstance(method, AdaptationMethod):
        return method.classify(method.features(normalise(PIXELS))).softmax(1).numpy()
    assert isinstance(method, GenerativeMethod)
    label = torch.ones(5, 0 if labels == "none" else 3)
    if labels == "classes":
        label = torch.full((5,), 2)
    image = to_pixels(method.sample(fixed_noise(5, method.noise_size, 3), label))
    return image.permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize(("name", "labels"), list(kinds()))
def test_a_loaded_model_answers_bit_for_bit_as_the_trained_one(
    name: str, labels: LabelKind, tmp_path: Path
) -> None:
    method, shape = trained(tmp_path, METHODS[name], labels)
    state = torch.get_rng_state()
    loaded = sparring.load(tmp_path / "model")
    assert torch.equal(torch.get_rng_state(), state)
    ours, theirs = weights_of(method), loaded.method.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    asked = {"none": {}, "classes": {"label": "shoe"}, "attributes": dict.fromkeys(NAMES, 1)}
    with method.evaluated():
        expected = outputs(method, labels)
        if isinstance(loaded, Classifier):
            # Of float32 logits in float64 and back: the last bit is that of the softmax.
            assert np.allclose(loaded.predict_proba(PIXELS), expected, rtol=1e-6)
            assert loaded.predict(PIXELS) == [NAMES[k] for k in expected.argmax(1)]
            with torch.inference_mode():
                assert np.array_equal(loaded.features(PIXELS), method.features(normalise(PIXELS)))
            return
    assert np.array_equal(loaded.sample(5, seed=3, **asked[labels]), expected)
    assert loaded.labels == shape.labels


def test_probabilities_are_those_at_the_models_temperature(tmp_path: Path) -> None:
    method, shape = trained(tmp_path, DANN, "classes")
    save(tmp_path / "warm", method, shape, preset="own", data={}, card="", temperature=2.5)
    raw, warm = load(tmp_path / "model"), load(tmp_path / "warm")
    assert isinstance(raw, Classifier)
    assert isinstance(warm, Classifier)
    powers = raw.predict_proba(PIXELS).astype(float) ** (1 / 2.5)
    assert np.allclose(warm.predict_proba(PIXELS), powers / powers.sum(1, keepdims=True), rtol=1e-5)
    assert warm.predict(PIXELS) == raw.predict(PIXELS)
    warm.save(tmp_path / "copy")
    copy = load(tmp_path / "copy")
    assert isinstance(copy, Classifier)
    assert np.array_equal(copy.predict_proba(PIXELS), warm.predict_proba(PIXELS))


def test_it_answers_the_same_in_a_fresh_process(tmp_path: Path) -> None:
    trained(tmp_path, DANN, "classes")
    np.save(tmp_path / "pixels.npy", PIXELS.numpy())
    script = (
        "import sys, numpy, sparring, torch; torch.set_num_threads(1); "
        "found = sparring.load(sys.argv[1]).predict_proba(numpy.load(sys.argv[2])); "
        "numpy.save(sys.argv[3], found)"
    )
    files = [str(tmp_path / name) for name in ("model", "pixels.npy", "found.npy")]
    subprocess.run([sys.executable, "-c", script, *files], check=True)
    found = np.load(tmp_path / "found.npy")
    assert np.array_equal(found, sparring.load(tmp_path).predict_proba(PIXELS))


def test_running_means_are_what_is_saved(tmp_path: Path) -> None:
    torch.manual_seed(0)
    method, shape = DCGAN(width=4), Shape(64)
    method.build(shape)
    method.averaged = {"generator": 0.9}  # type: ignore[misc]
    method.average["generator"] = DCGAN(width=4).make_generator(method.noise_size, shape).eval()
    save(tmp_path, method, shape, preset="report2019", data={}, card="")
    loaded = sparring.load(tmp_path)
    mean = method.average["generator"].state_dict()
    found = loaded.method.generator.state_dict()
    assert all(torch.equal(found[key], value) for key, value in mean.items())


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder = tmp_path_factory.mktemp("acgan")
    trained(folder, ACGAN, "attributes")
    found = sparring.load(folder)
    assert isinstance(found, Generator)
    return found


def test_the_same_seed_draws_the_same_and_pairs_differ_in_one_label(drawn: Generator) -> None:
    few, many = drawn.sample(3, seed=4), drawn.sample(6, seed=4)
    assert many.shape == (6, 64, 64, 3)
    assert many.dtype == np.uint8
    assert np.abs(many[:3].astype(int) - few).max() <= 1  # other batches round otherwise
    assert not np.array_equal(drawn.sample(3, seed=5), few)
    pairs = drawn.pairs(6, "shoe", seed=4)
    assert pairs.shape == (6, 2, 64, 64, 3)
    on = drawn._labels(6, 4, {"shoe": 1})
    assert np.array_equal(pairs[:, 1], drawn._drawn(fixed_noise(6, 120, 4), on))
    assert np.array_equal(pairs[:, 0], drawn.sample(6, 4, shoe=0))
    assert on[:, 2].tolist() == [1.0] * 6
    assert torch.equal(on[:, :2], drawn._labels(6, 4, {})[:, :2])


def test_a_copied_or_pickled_generator_draws_the_same(drawn: Generator) -> None:
    for other in (pickle.loads(pickle.dumps(drawn)), copy.deepcopy(drawn)):
        assert other.config == drawn.config
        assert other.card == drawn.card
        assert np.array_equal(other.sample(3, seed=5), drawn.sample(3, seed=5))


def test_a_seed_of_numpy_will_do(drawn: Generator) -> None:
    assert np.array_equal(drawn.sample(2, seed=np.int64(5)), drawn.sample(2, seed=5))


def test_an_attribute_grows_from_absent_to_present(drawn: Generator) -> None:
    rows = drawn.pairs(3, "shoe", seed=4, steps=5)
    assert rows.shape == (3, 5, 64, 64, 3)
    assert np.array_equal(rows[:, [0, 4]], drawn.pairs(3, "shoe", seed=4))
    assert np.array_equal(rows[:, 2], drawn.sample(3, 4, shoe=0.5))
    away = [np.abs(rows[:, k].astype(int) - rows[:, 0]).mean() for k in range(5)]
    assert away == sorted(away)
    assert 0 < away[2] < away[4]


ATTRIBUTED = [name for name, kind in kinds() if kind == "attributes"]


@pytest.mark.parametrize("name", ATTRIBUTED)
def test_every_method_draws_half_of_an_attribute_as_neither_none_nor_all(
    name: str, tmp_path: Path
) -> None:
    method, _ = trained(tmp_path, METHODS[name], "attributes")
    assert isinstance(method, GenerativeMethod)
    noise = fixed_noise(1, method.noise_size, 0)
    with torch.no_grad():
        none, half, most, full = (
            method.sample(noise, torch.full((1, 3), share)) for share in (0.0, 0.5, 0.9, 1.0)
        )
    whole = (full - none).abs().mean()
    assert whole > 0
    assert 0.1 * whole < (half - none).abs().mean() < 0.9 * whole
    assert 0 < (most - full).abs().mean() < (half - full).abs().mean() < whole


def test_a_walk_leads_from_each_noise_to_the_next(drawn: Generator) -> None:
    rows = drawn.walk(3, steps=4, seed=4, shoe=1, cat=0, dog=0)
    assert rows.shape == (2, 4, 64, 64, 3)
    images = drawn.sample(3, 4, shoe=1, cat=0, dog=0)
    near = np.abs(rows[:, [0, 3]].astype(int) - np.stack([images[:2], images[1:]], 1))
    assert near.max() <= 1  # other batches round otherwise
    steps = np.abs(np.diff(rows.astype(int), axis=1)).mean((0, 2, 3, 4))
    assert (steps > 0).all()
    free = drawn.walk(3, steps=4, seed=4)
    label = drawn._labels(1, 4, {}).expand(4, 3)
    noise = fixed_noise(3, 120, 4)
    expected = drawn._drawn(between(noise[1], noise[2], 4), label)
    assert np.abs(free[1].astype(int) - expected).max() <= 1


def test_fewer_than_can_be_drawn_are_refused(drawn: Generator) -> None:
    for n in (0, -1):
        with pytest.raises(RequestError, match=f"draw at least 1 images, not {n}"):
            drawn.sample(n)
        with pytest.raises(RequestError, match=f"draw at least 1 images, not {n}"):
            drawn.pairs(n, "shoe")
    with pytest.raises(RequestError, match="draw at least 2 noises, not 1"):
        drawn.walk(1)
    for draw in (lambda: drawn.walk(2, steps=1), lambda: drawn.pairs(1, "shoe", steps=1)):
        with pytest.raises(RequestError, match="draw at least 2 steps, not 1"):
            draw()
    classes = Generator(
        msgspec.structs.replace(drawn.config, label_kind="classes"), CPU, drawn.method
    )
    with pytest.raises(RequestError, match="draw at least 1 images, not 0"):
        classes.pairs(0, "dog")


def test_names_of_labels_are_checked(drawn: Generator) -> None:
    with pytest.raises(RequestError, match="did you mean 'shoe'"):
        drawn.sample(1, shoes=1)
    with pytest.raises(RequestError, match=r"shoe=2: an attribute lies in 0\.\.1"):
        drawn.sample(1, shoe=2)
    with pytest.raises(RequestError, match=r"shoe=on: an attribute lies in 0\.\.1"):
        drawn.sample(1, shoe="on")
    with pytest.raises(RequestError, match="unknown label 'owl'"):
        drawn.pairs(1, "owl")
    with pytest.raises(RequestError, match="it knows attributes, no classes"):
        drawn.sample(1, label="shoe")
    config = msgspec.structs.replace(drawn.config, label_kind="none", label_names=())
    bare = Generator(config, CPU, drawn.method)
    for ask in (lambda: bare.sample(1, label="shoe"), lambda: bare.pairs(1, "shoe")):
        with pytest.raises(RequestError, match="it was trained without labels"):
            ask()


def test_classes_are_asked_for_by_name(drawn: Generator) -> None:
    config = msgspec.structs.replace(drawn.config, label_kind="classes")
    seen: list[Tensor] = []
    classes = Generator(config, CPU, drawn.method)
    object.__setattr__(
        classes, "_drawn", lambda noise, label: (seen.append(label), label.numpy())[1]
    )
    assert classes.sample(4, label="dog").tolist() == [1, 1, 1, 1]
    assert set(classes.sample(50).tolist()) == {0, 1, 2}
    pairs = classes.pairs(50, "dog")
    assert set(pairs[:, 0].tolist()) == {0, 2}
    assert set(pairs[:, 1].tolist()) == {1}
    with pytest.raises(RequestError, match="dog is a class, and there is nothing between two"):
        classes.pairs(2, "dog", steps=3)
    with pytest.raises(RequestError, match="did you mean 'dog'"):
        classes.sample(1, label="dogs")
    with pytest.raises(RequestError, match="ask for a class with label=NAME"):
        classes.sample(1, dog=1)
    alone = msgspec.structs.replace(config, label_names=("dog",))
    with pytest.raises(RequestError, match="dog is the only class"):
        Generator(alone, CPU, drawn.method).pairs(2, "dog")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    method, shape = DANN(encoder="small"), Shape(32, NAMES, "classes")
    method.build(shape)
    data = {"source": TrainedOn("a/digits", "sha256:ab"), "target": TrainedOn("b/digits", "x")}
    folder = tmp_path / "runs" / "dann-1" / "model"
    save(folder, method, shape, preset="report2019", data=data, card="# A card\n")
    return folder


def test_the_folder_has_the_layout_of_the_hub(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {
        "model.safetensors",
        "config.json",
        "README.md",
    }
    config = json.loads((saved / "config.json").read_text())
    assert config["architecture"] == "dann"
    assert config["settings"]["encoder"] == "small"
    assert config["label_names"] == list(NAMES)
    assert (config["size"], config["label_kind"]) == (32, "classes")
    assert config["mean"] == config["std"] == [0.5, 0.5, 0.5]
    assert config["data"]["source"] == {"name": "a/digits", "fingerprint": "sha256:ab"}
    card = (saved / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: sparring\npipeline_tag: image-classification\n---\n")
    assert card.endswith("# A card\n")
    # Normalisation as recorded is that of the program.
    byte = torch.tensor([0, 100, 255], dtype=torch.uint8)[:, None, None, None].expand(3, 3, 1, 1)
    assert torch.allclose((byte / 255 - 0.5) / 0.5, normalise(byte), atol=1e-6)


def test_a_run_and_an_output_folder_with_one_run_will_do(saved: Path) -> None:
    run, out = saved.parent, saved.parents[2]
    for folder in (saved, run, out, str(out)):
        assert sparring.load(folder).classes == NAMES
    (run.parent / "dann-2" / "model").mkdir(parents=True)
    (run.parent / "dann-2" / "model" / "model.safetensors").write_bytes(b"")
    with pytest.raises(RequestError, match=r"holds 2 models: name one of .*dann-1.*dann-2"):
        sparring.load(out)
    found = sparring.load(run)
    found.save(out / "model")
    for file in saved.iterdir():
        assert (out / "model" / file.name).read_bytes() == file.read_bytes()
    assert sparring.load(out).classes == NAMES  # a folder's own model comes before its runs'
    (out / "file").write_text("")
    with pytest.raises(RequestError, match="cannot write"):
        found.save(out / "file" / "model")


def spoil(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_what_cannot_be_loaded_is_told_in_one_line(saved: Path) -> None:
    config, weights = saved / "config.json", saved / "model.safetensors"
    good, tensors = config.read_text(), weights.read_bytes()

    def told() -> str:
        with pytest.raises(RequestError) as error:
            sparring.load(saved)
        config.write_text(good)
        weights.write_bytes(tensors)
        assert "\n" not in str(error.value)
        return str(error.value)

    spoil(config, format=2, settings="of the future")
    assert "has format 2: a newer sparring" in told()
    spoil(config, architecture="dan")
    assert "did you mean 'dann'" in told()
    spoil(config, settings={"reversal_weight": "much"})
    assert "damaged (Expected `float`, got `str`)" in told()
    spoil(config, settings={"no such": 1})
    assert "damaged" in told()
    spoil(config, label_names=["one"])
    assert "size mismatch" in told()
    config.write_text("{")
    assert "damaged" in told()
    config.unlink()
    assert "No such file" in told()
    weights.write_bytes(tensors[:-1])
    assert "damaged" in told()
    weights.write_bytes(pickle.dumps({"a": 1}))
    assert "damaged" in told()
    state = load_file(weights)
    state.pop(next(key for key in state if key.endswith("weight")))
    save_file(state, weights)
    assert "Missing key" in told()
    weights.unlink()
    assert "holds no trained model" in told()


@pytest.mark.parametrize("name", ["nowhere", "n" * 300])
def test_a_place_without_a_model_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"holds no trained model|cannot look into"):
        sparring.load(tmp_path / name)


def test_importing_takes_no_torch_and_changes_nothing() -> None:
    script = (
        "import sys, time; start = time.perf_counter(); import sparring; "
        "assert time.perf_counter() - start < 0.1; assert sparring.__version__; "
        "found = {'torch', 'numpy', 'msgspec', 'tyro'} & set(sys.modules); assert not found, found"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_face_is_what_it_says() -> None:
    assert sparring.load is model.load
    assert sparring.Adapter is estimators.Adapter
    assert sparring.Generator is estimators.Generator
    with pytest.raises(AttributeError, match="no attribute 'save_all'"):
        sparring.save_all  # noqa: B018


def test_pictures_of_more_than_8_bits_keep_the_scale_of_the_training(tmp_path: Path) -> None:
    method, shape = DANN(encoder="small"), Shape(32, NAMES, "classes")
    method.build(shape)
    data = {"source": TrainedOn("a", "x", white=1.0), "target": TrainedOn("b", "x", 4095.0)}
    save(tmp_path / "model", method, shape, preset="report2019", data=data, card="")
    model = load(tmp_path / "model")
    assert isinstance(model, Classifier)
    grey = np.random.default_rng(0).integers(0, 20, (32, 32), np.uint8)  # a dark picture
    Image.fromarray(grey.astype(np.uint16) * 16).save(tmp_path / "dark.png")
    expected = model.predict_proba(np.stack([grey] * 3, -1)[None])
    assert np.array_equal(model.predict_proba(tmp_path / "dark.png"), expected)
    Image.fromarray(grey.astype(np.float32) / np.float32(255)).save(tmp_path / "dark.tiff")
    for name in ("dark.png", "dark.tiff"):
        ((_, answer),) = model.answers({name: tmp_path / name})
        assert np.array_equal(answer, expected[0])
