import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize

from sparring import export as exporting
from sparring.errors import RequestError, WorkFailed
from sparring.export import METADATA, export, plain, signature
from sparring.game import AdaptationMethod, Shape
from sparring.methods import ACGAN, DANN, DSN
from sparring.model import Classifier, Generator, load
from sparring.model_folder import save
from sparring.nets import cpu_convolution
from tests.methods.cases import CASES, NAMES, batches, built
from tests.methods.test_every_method import trainer

SIZE = 16


def model(name: str, kind: str, folder: Path) -> Classifier | Generator:
    """A model of the method after three steps, as it is loaded."""
    method = built(name, kind)
    folder.mkdir(exist_ok=True)
    trainer(method, batches(method.batch_type, kind), folder / "run", 3).run()
    shape = Shape(SIZE, NAMES if kind != "none" else (), kind)  # type: ignore[arg-type]
    save(folder / "model", method, shape, preset="own", data={}, card="", temperature=1.7)
    return load(folder / "model")


def played(file: bytes, to: str, inputs: dict[str, torch.Tensor]) -> tuple[np.ndarray, dict]:
    """What comes out of the file, and its metadata, by the formats' own means."""
    if to == "pt2":
        extra = {METADATA: ""}
        program = torch.export.load(io.BytesIO(file), extra_files=extra)
        return program.module()(*inputs.values()).numpy(), json.loads(extra[METADATA])
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    assert [given.name for given in session.get_inputs()] == [*inputs]
    (found,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return found, session.get_modelmeta().custom_metadata_map


def label(kind: str, count: int) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(3)
    if kind == "classes":
        return {"label": torch.randint(3, (count,), generator=random)}
    return {"label": torch.rand(count, 3, generator=random)} if kind == "attributes" else {}


@pytest.mark.parametrize("to", ["onnx", "pt2"])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_method_gives_in_the_file_what_it_gives_in_pytorch(
    name: str, kind: str, to: str, tmp_path: Path
) -> None:
    if to == "onnx":
        pytest.importorskip("onnxscript")
    found = model(name, kind, tmp_path)
    file, difference = export(found, to)  # type: ignore[arg-type]
    assert 0 <= difference < 1e-5
    for count in (1, 7):
        if isinstance(found, Classifier):
            pixels = np.random.default_rng(count).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
            answer, about = played(file, to, {"images": torch.from_numpy(pixels)})
            assert answer.dtype == np.float32
            assert np.allclose(answer, found.predict_proba(pixels), atol=1e-5)
        else:
            noise = torch.randn(count, found.method.noise_size)
            answer, about = played(file, to, {"noise": noise} | label(kind, count))
            assert (answer.shape, answer.dtype) == ((count, SIZE, SIZE, 3), np.uint8)
            asked = label(kind, count).get("label", torch.empty(count, 0))
            expected = found._drawn(noise, asked).astype(int)
            assert np.abs(answer - expected).max() <= 1  # rounded otherwise, here and there
            assert (answer != expected).mean() < 0.01
    assert json.loads(about["label_names"]) == list(found.config.label_names)
    assert (about["size"], about["architecture"]) == ("16", name)
    assert about["signature"] == signature(found)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_layers_for_speed_and_training_become_the_usual_ones_in_a_copy(
    name: str, kind: str, tmp_path: Path
) -> None:
    found = model(name, kind, tmp_path)
    before = [type(module) for module in found.method.modules()]
    copied = plain(found.method)
    ours = {cpu_convolution.Conv2d, cpu_convolution.ConvTranspose2d}
    for module in copied.modules():
        assert type(module) not in ours
        assert not parametrize.is_parametrized(module)
        assert not module.training
    assert [type(module) for module in found.method.modules()] == before


@pytest.mark.parametrize("kind", [DANN, DSN])
def test_products_in_place_of_small_convolutions_are_undone(kind: type[DANN | DSN]) -> None:
    torch.manual_seed(0)
    method = kind(encoder="resnet18")
    method.build(Shape(32, NAMES, "classes"))
    image = torch.rand(3, 3, 32, 32)
    copied = plain(method)
    assert type(copied) is kind
    with torch.no_grad():
        expected = method.eval().features(image)
        assert torch.allclose(copied.features(image), expected, rtol=1e-4, atol=1e-5)


def test_spectral_normalisation_is_in_the_weights() -> None:
    torch.manual_seed(0)
    method = ACGAN(width=64, noise_size=8)
    method.build(Shape(16, NAMES, "classes"))
    noise, label = torch.randn(3, 8), torch.tensor([0, 1, 2])
    copied = plain(method)
    with torch.no_grad():
        expected = method.eval().sample(noise, label)
        assert torch.allclose(copied.sample(noise, label), expected, atol=1e-5)
    assert not any("parametrizations" in key for key in copied.state_dict())


def test_what_is_not_called_is_left_out(tmp_path: Path) -> None:
    for name, kind, kept in (
        ("dsn", "classes", {"shared_encoder", "label_classifier"}),
        ("acgan", "attributes", {"embedding", "generator"}),
    ):
        file, _ = export(model(name, kind, tmp_path / name), "pt2")
        program = torch.export.load(io.BytesIO(file))
        assert {key.split(".")[1] for key in program.state_dict} == kept


def test_a_file_that_differs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = model("dann", "classes", tmp_path)
    wrong = found.method.classify

    def scaled(features: torch.Tensor) -> torch.Tensor:
        return wrong(features) * (1 if torch.compiler.is_exporting() else 1.1)

    assert isinstance(found.method, AdaptationMethod)
    monkeypatch.setattr(exporting, "plain", lambda method: method)
    monkeypatch.setattr(found.method, "classify", scaled)
    with pytest.raises(WorkFailed, match=r"as pt2 the model differs from PyTorch by \d"):
        export(found, "pt2")
    monkeypatch.setattr(exporting, "_difference", lambda *_: float("nan"))
    with pytest.raises(WorkFailed, match="by nan, more than 1e-04: nothing was written"):
        export(found, "pt2")


def test_images_that_differ_by_more_than_rounding_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = model("dcgan", "none", tmp_path)
    assert isinstance(found, Generator)
    right = found.method.sample

    def brighter(noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        return right(noise, label) + (0 if torch.compiler.is_exporting() else 1e-3)

    monkeypatch.setattr(exporting, "plain", lambda method: method)
    monkeypatch.setattr(found.method, "sample", brighter)
    with pytest.raises(WorkFailed, match=r"by [45]\.\de-04, more than 1e-04"):
        export(found, "pt2")


def test_a_missing_package_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = model("dcgan", "none", tmp_path)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RequestError, match=r"--to onnx needs onnx.*: pip install 'sparring\[onnx"):
        export(found, "onnx")
