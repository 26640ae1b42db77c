"""Networks that others trained, by the name of a model hub or from a folder: images to features.

Knows transformers, which is imported when it is needed, and its files `config.json`,
`model.safetensors` and `preprocessor_config.json`; knows no domain and no class. Weights are read
from safetensors alone, and no code that lies beside them is run. Pictures are prepared here, as the
slow processors of transformers do it, because its fast ones need torchvision.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from PIL import Image
from safetensors import SafetensorError
from torch import Tensor, nn

from sparring.errors import RequestError

_TOWERS = {
    "clip": "CLIPVisionModel",
    "clip_vision_model": "CLIPVisionModel",
    "siglip": "SiglipVisionModel",
    "siglip_vision_model": "SiglipVisionModel",
}
_CLASS_TOKEN = ("dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "deit")
_POOLED = ("resnet", "convnext", "convnextv2", "dinov3_convnext", "swin", *_TOWERS)
KINDS = (*_CLASS_TOKEN, *_POOLED)
"""The kinds of network (`model_type`) that can be used. Features are the first token of the last
layer, or what the network pools itself; of those with a text side the vision side is taken."""
_SUGGESTED = "facebook/dinov2-small"


class Preparation(Struct, frozen=True, kw_only=True):
    """What is done to a square picture, in this order.

    It is resized to `edge` pixels by Pillow's filter `resample`, its central `crop` pixels are
    taken, and values x in 0..255 become (x * scale - mean) / std.
    """

    edge: int
    crop: int
    resample: int
    scale: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Preparation":
        """From the content of a preprocessor_config.json. Raises LookupError, TypeError, ValueError
        where it lacks something, or says what is not known here.
        """
        processor = str(found.get("image_processor_type") or found.get("feature_extractor_type"))
        edge = crop = _side(found["size"])
        if not found.get("do_resize", True) or found.get("do_pad"):
            raise ValueError("without resizing, or with padding")
        if "ConvNext" in processor or "crop_pct" in found:
            if crop < 384:  # else it is not cropped
                edge = int(crop / (found.get("crop_pct") or 224 / 256))
        elif found.get("do_center_crop"):
            crop = _side(found["crop_size"])
        if crop > edge:
            raise ValueError(f"a crop of {crop} out of {edge} pixels")
        bicubic = not processor.startswith("ViT")  # what transformers takes where none is named
        normal = found.get("do_normalize", True)
        return cls(
            edge=edge,
            crop=crop,
            resample=Image.Resampling(found.get("resample", 3 if bicubic else 2)).value,
            scale=found.get("rescale_factor", 1 / 255) if found.get("do_rescale", True) else 1.0,
            mean=tuple(found["image_mean"]) if normal else (0.0, 0.0, 0.0),
            std=tuple(found["image_std"]) if normal else (1.0, 1.0, 1.0),
        )

    def resized(self, pixels: Tensor) -> Tensor:
        """Pixels uint8 [N, 3, S, S] to uint8 [N, 3, edge, edge]."""
        if pixels.shape[-1] == self.edge:
            return pixels
        if torch.compiler.is_exporting():
            raise RequestError(
                f"its images have {pixels.shape[-1]} pixels and are resized by Pillow, which no "
                f"file can hold: adapt without --size, or with --size {self.edge}"
            )
        pictures = pixels.permute(0, 2, 3, 1).cpu().numpy()
        size, by = (self.edge, self.edge), Image.Resampling(self.resample)
        resized = np.stack([np.asarray(Image.fromarray(one).resize(size, by)) for one in pictures])
        return torch.from_numpy(resized).permute(0, 3, 1, 2).to(pixels.device)

    @property
    def values(self) -> Tensor:
        """What each of 256 values becomes, by channel: float32 [3, 256]."""
        scaled = (torch.arange(256, dtype=torch.float64) * self.scale).float()
        return (scaled - torch.tensor(self.mean)[:, None]) / torch.tensor(self.std)[:, None]


def _side(size: Any) -> int:
    """The side of the square that a `size` or `crop_size` makes of a square."""
    if isinstance(size, Mapping):
        size = size["shortest_edge"] if "shortest_edge" in size else (size["height"], size["width"])
    if isinstance(size, tuple):
        if size[0] != size[1]:
            raise ValueError(f"pictures of {size[0]} x {size[1]} pixels, which are no squares")
        size = size[0]
    return int(size)


class Backbone(nn.Module):
    """A network of transformers with the preparation of its pictures."""

    def __init__(self, network: Any, preparation: Preparation) -> None:
        super().__init__()
        self.network, self.preparation = network.eval().requires_grad_(False), preparation
        self.register_buffer("values", preparation.values, persistent=False)

    def train(self, mode: bool = True) -> "Backbone":
        """Stay in evaluation mode, whatever `mode`: else batch norm would follow what it sees."""
        return super().train(False)

    def prepared(self, pixels: Tensor) -> Tensor:
        """What the network sees of pixels uint8 [N, 3, S, S]: float32 [N, 3, crop, crop]."""
        edge, crop = self.preparation.edge, self.preparation.crop
        start = (edge - crop) // 2
        here = slice(start, start + crop)
        pixels = self.preparation.resized(pixels)[:, :, here, here].long()
        values = self.get_buffer("values")
        return torch.stack([values[channel][pixels[:, channel]] for channel in range(3)], 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Features float32 [N, F] of pixels uint8 [N, 3, S, S]."""
        found = self.network(pixel_values=self.prepared(pixels))
        if self.network.config.model_type in _CLASS_TOKEN:
            return found.last_hidden_state[:, 0]  # type: ignore[no-any-return]
        return found.pooler_output.flatten(1)  # type: ignore[no-any-return]

    @property
    def width(self) -> int:
        """How many features there are."""
        config = self.network.config
        return int(getattr(config, "hidden_size", None) or config.hidden_sizes[-1])

    @property
    def settings(self) -> dict[str, Any]:
        """What `build` makes the same network of, its weights aside."""
        found = self.network.config.to_dict()
        return {k: v for k, v in found.items() if k not in ("id2label", "label2id")}

    @property
    def digest(self) -> str:
        """`sha256:...` of the weights."""
        digest = hashlib.sha256()
        for name, value in self.network.state_dict().items():
            digest.update(name.encode())
            digest.update(value.cpu().contiguous().numpy().data)
        return f"sha256:{digest.hexdigest()}"


def build(settings: Mapping[str, Any], preparation: Preparation) -> Backbone:
    """A backbone of `Backbone.settings`, its weights still to come. Raises RequestError."""
    library = _transformers()
    config = library.AutoConfig.for_model(**settings)
    return Backbone(library.AutoModel.from_config(config), preparation)


def load(name: str) -> Backbone:
    """The backbone `name`: a folder, or a name on the hub, which is then looked for in the hub's
    cache and fetched where it is not there. Raises RequestError where it cannot be used.
    """
    library = _transformers()
    wrong = f"--backbone {name}: "
    if Path(name).is_dir() and not any(Path(name).glob("*.safetensors")):
        found = ", ".join(sorted(path.name for path in Path(name).iterdir())[:5]) or "nothing"
        raise RequestError(f"{wrong}no .safetensors there, which alone is read, but {found}")
    try:
        kind = library.PretrainedConfig.get_config_dict(name)[0].get("model_type")
        if kind not in KINDS:
            raise RequestError(
                f"{wrong}its kind is '{kind}', which is no network for images known here: name "
                f"one of {', '.join(k for k in KINDS)}, such as {_SUGGESTED}"
            )
        file = library.utils.cached_file(name, "preprocessor_config.json")
        preparation = Preparation.of(json.loads(Path(file).read_bytes()))
        loader = getattr(library, _TOWERS.get(kind, "AutoModel"))
        network, about = loader.from_pretrained(
            name,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
        backbone = Backbone(network, preparation)
        with torch.inference_mode():
            backbone(torch.zeros(1, 3, preparation.edge, preparation.edge, dtype=torch.uint8))
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())[:300]
        raise RequestError(
            f"{wrong}cannot be used ({why}): name a folder with config.json, "
            f"preprocessor_config.json and model.safetensors, or a hub name such as {_SUGGESTED}"
        ) from error
    # The pooler of a network whose first token is taken is not looked at, and often absent.
    unused = "pooler." if kind in _CLASS_TOKEN else "no such layer"
    if missing := [key for key in about["missing_keys"] if not key.startswith(unused)]:
        raise RequestError(
            f"{wrong}{len(missing)} of its weights are missing, such as {missing[0]}"
        )
    for key in about["missing_keys"]:  # they were drawn at random, and are part of the digest
        network.get_parameter(key).zero_()
    return backbone


def _transformers() -> ModuleType:
    """The library, told to be quiet. Raises RequestError where it is not installed."""
    # A checkpoint without safetensors would be sent to a service that opens a pull request.
    os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
    try:
        import transformers
    except ImportError as error:
        raise RequestError(
            f"a backbone needs {error.name}: pip install 'sparring[backbone]'"
        ) from error
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    return transformers
