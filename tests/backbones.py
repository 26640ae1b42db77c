"""Small backbones with random weights, in folders as the hub has them."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

if importlib.util.find_spec("transformers") is None:
    pytest.skip("transformers is not installed (the extra `backbone`)", allow_module_level=True)
os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: no test asks the network

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
PREPROCESSOR: dict[str, dict[str, Any]] = {
    "dinov2": {
        "image_processor_type": "BitImageProcessor",
        "do_center_crop": True,
        "size": {"shortest_edge": 36},
        "crop_size": {"height": 28, "width": 28},
        "resample": 3,
        "rescale_factor": 0.00392156862745098,
        **IMAGENET,
    },
    "resnet": {  # as microsoft/resnet-50 has it
        "crop_pct": 0.875,
        "feature_extractor_type": "ConvNextFeatureExtractor",
        "resample": 3,
        "size": 32,
        **IMAGENET,
    },
    "convnext": {
        "image_processor_type": "ConvNextImageProcessor",
        "size": {"shortest_edge": 384},
        "resample": 2,
        **IMAGENET,
    },
    "siglip": {
        "image_processor_type": "SiglipImageProcessor",
        "size": {"height": 32, "width": 32},
        "resample": 3,
        "rescale_factor": 1 / 255,
        **HALF,
    },
    "clip": {
        "feature_extractor_type": "CLIPFeatureExtractor",
        "do_center_crop": True,
        "size": 32,
        "crop_size": 32,
        "resample": 3,
        **HALF,
    },
    "vit": {"image_processor_type": "ViTFeatureExtractor", "size": 32, **HALF},
}


def network(kind: str) -> Any:
    """A network of that kind with random weights, the same each time."""
    import transformers as t

    vision = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
    }
    text = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "vocab_size": 99}
    text |= {"num_attention_heads": 2}
    stages = {"hidden_sizes": [16, 32], "depths": [1, 1]}
    make = {
        "dinov2": lambda: t.Dinov2Model(t.Dinov2Config(**vision | {"patch_size": 7})),
        "resnet": lambda: t.ResNetModel(
            t.ResNetConfig(embedding_size=16, layer_type="basic", **stages)
        ),
        "convnext": lambda: t.ConvNextModel(t.ConvNextConfig(num_stages=2, **stages)),
        "siglip": lambda: t.SiglipModel(t.SiglipConfig(vision_config=vision, text_config=text)),
        "clip": lambda: t.CLIPModel(t.CLIPConfig(vision_config=vision, text_config=text)),
        "vit": lambda: t.ViTModel(t.ViTConfig(**vision), add_pooling_layer=False),
        "bert": lambda: t.BertModel(t.BertConfig(**text)),
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return make[kind]()


def folder(path: Path, kind: str) -> Path:
    """A folder with such a network and its preprocessor_config.json."""
    network(kind).save_pretrained(path)
    text = json.dumps(PREPROCESSOR.get(kind, {}))
    (path / "preprocessor_config.json").write_text(text)
    return path
