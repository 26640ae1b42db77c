"""Backbones from folders: prepared as transformers does it, the right features, refusals."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sparring import backbone
from sparring.backbone import Backbone, Preparation
from sparring.errors import RequestError
from tests.backbones import PREPROCESSOR, folder, network

KINDS = list(PREPROCESSOR)
PROCESSORS = {"dinov2": "Bit", "resnet": "ConvNext", "convnext": "ConvNext", "siglip": "Siglip"}
PROCESSORS |= {"clip": "CLIP", "vit": "ViT"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("backbones")
    for kind in KINDS:
        folder(root / kind, kind)
    return root


def noise(size: int, count: int = 2) -> torch.Tensor:
    random = torch.Generator().manual_seed(size)
    return torch.randint(0, 256, (count, 3, size, size), dtype=torch.uint8, generator=random)


def processor(kind: str) -> Any:
    """The slow processor of transformers."""
    family = PROCESSORS[kind]
    where = f"transformers.models.{family.lower()}.image_processing_pil_{family.lower()}"
    return getattr(importlib.import_module(where), f"{family}ImageProcessorPil")


@pytest.mark.parametrize("size", [20, 32, 36, 61])
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_are_prepared_as_by_transformers(kind: str, size: int, folders: Path) -> None:
    ours = Backbone(torch.nn.Identity(), Preparation.of(PREPROCESSOR[kind]))
    pictures = noise(size)
    theirs = processor(kind).from_pretrained(folders / kind)
    expected = theirs([one.numpy() for one in pictures], input_data_format="channels_first")
    expected = np.stack(expected["pixel_values"])
    found = ours.prepared(pictures).numpy()
    assert found.dtype == np.float32
    assert np.array_equal(found, expected)
    assert found.shape[2] == {"dinov2": 28, "convnext": 384}.get(kind, 32)


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_what_the_network_pools_or_its_first_token(kind: str, folders: Path) -> None:
    found = backbone.load(str(folders / kind))
    assert found.width == 32
    plain = network(kind).eval()
    plain = getattr(plain, "vision_model", plain)
    pixels = noise(found.preparation.edge)
    with torch.no_grad():
        said = plain(pixel_values=found.prepared(pixels))
        features = found(pixels)
    token = kind in ("dinov2", "vit")
    expected = said.last_hidden_state[:, 0] if token else said.pooler_output.flatten(1)
    assert features.shape == (2, 32)
    assert torch.allclose(features, expected, atol=1e-5)
    # Built of its settings it is the same network, once it has the weights.
    torch.manual_seed(1)  # others than those in the folder, which were drawn from 0
    again = backbone.build(json.loads(json.dumps(found.settings)), found.preparation)
    assert again.digest != found.digest
    again.load_state_dict(found.state_dict())
    assert again.digest == found.digest
    assert torch.equal(again(pixels), features)


@pytest.mark.parametrize(
    ("changes", "values"),
    [
        ({"do_rescale": False, "do_normalize": False}, [0, 255]),
        ({"do_normalize": False}, [0, 1]),
        ({}, [-1, 1]),
        ({"rescale_factor": 1 / 127.5}, [-1, 3]),
    ],
)
def test_values_follow_the_file(changes: dict[str, Any], values: list[float]) -> None:
    found = Preparation.of(PREPROCESSOR["siglip"] | changes).values
    assert found.shape == (3, 256)
    assert found[0, [0, 255]].tolist() == pytest.approx(values)


def test_sizes_follow_the_file() -> None:
    def sides(kind: str, **changes: Any) -> tuple[int, int]:
        found = Preparation.of(PREPROCESSOR[kind] | changes)
        return found.edge, found.crop

    assert sides("dinov2") == (36, 28)
    assert sides("dinov2", do_center_crop=False) == (36, 36)
    assert sides("resnet") == (36, 32)  # 32 / 0.875, cut off
    assert sides("resnet", size=224, crop_pct=0.95) == (235, 224)
    assert sides("convnext", size={"shortest_edge": 224}) == (256, 224)
    assert sides("convnext", size={"shortest_edge": 384}) == (384, 384)
    assert sides("vit", size=224) == (224, 224)


def test_a_network_without_its_pooler_is_the_same_each_time(folders: Path) -> None:
    assert backbone.load(str(folders / "vit")).digest == backbone.load(str(folders / "vit")).digest


def refused(place: Path | str) -> str:
    with pytest.raises(RequestError) as found:
        backbone.load(str(place))
    assert "\n" not in str(found.value)
    assert str(found.value).startswith(f"--backbone {place}: ")
    return str(found.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": {"height": 32, "width": 64}}, "pictures of 32 x 64 pixels"),
        ({"size": {"longest_edge": 32}}, "'height'"),
        ({"do_resize": False}, "without resizing"),
        ({"do_center_crop": True, "crop_size": 40}, "a crop of 40 out of 32 pixels"),
        ({"image_mean": None}, "cannot be used"),
        ({"size": 64}, "doesn't match model"),
    ],
)
def test_preparations_that_are_refused(
    changes: dict[str, Any], message: str, folders: Path, tmp_path: Path
) -> None:
    place = folder(tmp_path / "changed", "vit")
    file = place / "preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    assert message in refused(place)


def test_folders_that_are_refused(tmp_path: Path) -> None:
    assert "cannot be used" in refused(tmp_path / "nowhere")
    assert "couldn't find them in the cached files" in refused("facebook/dinov2-small")
    (tmp_path / "empty").mkdir()
    assert "no .safetensors there, which alone is read, but nothing" in refused(tmp_path / "empty")
    text = folder(tmp_path / "text", "bert")
    assert "its kind is 'bert', which is no network for images known here" in refused(text)
    place = folder(tmp_path / "dino", "dinov2")
    weights = place / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    assert "cannot be used" in refused(place)
    torch.save(network("dinov2").state_dict(), place / "pytorch_model.bin")
    weights.unlink()
    told = refused(place)
    assert "no .safetensors there" in told
    assert "pytorch_model.bin" in told
    (place / "other.safetensors").write_bytes(whole)  # not the one that would be read
    assert "no file named model.safetensors" in refused(place)
    weights.write_bytes(whole)
    (place / "preprocessor_config.json").unlink()
    assert "preprocessor_config.json" in refused(place)
    # Weights that do not belong to the network would be random ones.
    mixed = folder(tmp_path / "mixed", "siglip")
    (mixed / "model.safetensors").write_bytes(whole)
    assert "of its weights are missing" in refused(mixed)


def test_code_beside_the_weights_is_not_run(tmp_path: Path) -> None:
    place = folder(tmp_path / "dino", "dinov2")
    (place / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    config = json.loads((place / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (place / "config.json").write_text(json.dumps(config))
    assert backbone.load(str(place)).width == 32
    assert not (tmp_path / "ran").exists()


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(RequestError, match=r"a backbone needs transformers: pip install"):
        backbone.load("facebook/dinov2-small")
