"""A trained model as one file for other programs, with what happens to pixels inside.

A classifier takes uint8 [N, S, S, 3] and gives probabilities float32 [N, K]; a generator takes
noise float32 [N, Z] (and labels) and gives uint8 [N, S, S, 3]: N is free, S is the model's size.
Knows the formats, and which layers exist for speed or training alone; knows no method.
"""

import copy
import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.nn.utils import parametrize

from sparring.data.feed import normalise, to_pixels
from sparring.errors import RequestError, WorkFailed
from sparring.game import GenerativeMethod, ImageClassifier
from sparring.model import Classifier, Generator
from sparring.nets import cpu_convolution

Trained = Classifier | Generator
M = TypeVar("M", bound=nn.Module)

ALLOWED = 1e-4
"""The largest difference to PyTorch that passes."""
METADATA = "sparring.json"
"""Where the metadata lies in a .pt2 file; in an ONNX file they are its own."""

_TRACED, _CHECKED = 2, 5
"""Images that are traced, and that the file is checked on: N is free."""
_PLAIN = {
    cpu_convolution.Conv2d: nn.Conv2d,
    cpu_convolution.ConvTranspose2d: nn.ConvTranspose2d,
}


class _Classify(nn.Module):
    def __init__(self, method: ImageClassifier, temperature: float) -> None:
        super().__init__()
        self.method, self.temperature = method, temperature

    def forward(self, images: Tensor) -> Tensor:
        image = normalise(images.permute(0, 3, 1, 2))
        logits = self.method.classify(self.method.features(image))
        return (logits / self.temperature).softmax(1)


class _Draw(nn.Module):
    def __init__(self, method: GenerativeMethod) -> None:
        super().__init__()
        self.method = method

    def forward(self, noise: Tensor, label: Tensor | None = None) -> Tensor:
        image = self.method.sample(noise, noise[:, :0] if label is None else label)
        return to_pixels(image).permute(0, 2, 3, 1)


def export(model: Trained, to: Literal["onnx", "pt2"]) -> tuple[bytes, float]:
    """The file, and its largest difference to the model in PyTorch, on random inputs.

    The difference is one of probabilities; of images one of values in 0..1, as far as rounding to
    256 levels does not explain it. Raises RequestError where a package is missing, WorkFailed where
    the difference is above ALLOWED.
    """
    write, run = (_onnx, _run_onnx) if to == "onnx" else (_pt2, _run_pt2)
    if to == "onnx":
        _check_packages()
    inputs, count = _inputs(model, _TRACED), Dim("N")
    network = (
        _Classify(plain(model.method), model.config.temperature)
        if isinstance(model, Classifier)
        else _Draw(plain(model.method))
    )
    with _quietly(), torch.no_grad():
        keep_used(network.method, network, *inputs.values())
        shapes = {name: {0: count} for name in inputs}
        program = torch.export.export(network, tuple(inputs.values()), dynamic_shapes=shapes)
        file = write(program, model)
        inputs = _inputs(model, _CHECKED)
        difference = _difference(model, inputs, run(file, inputs))
    if not difference <= ALLOWED:  # nor NaN
        raise WorkFailed(
            f"as {to} the model differs from PyTorch by {difference:.1e}, more than {ALLOWED:.0e}: "
            "nothing was written; choose the other format, and report this"
        )
    return file, difference


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what exporters say to their own authors, and of packages that nothing here needs."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)


def signature(model: Trained) -> str:
    """What goes into the file and what comes out, in words."""
    images = f"images uint8 [N, {model.size}, {model.size}, 3]"
    if isinstance(model, Classifier):
        return f"{images} -> probabilities float32 [N, {len(model.classes)}]"
    label = {
        "none": "",
        "classes": " and label int64 [N]",
        "attributes": f" and label float32 [N, {len(model.labels)}] in 0..1",
    }[model.config.label_kind]
    return f"noise float32 [N, {model.method.noise_size}]{label} -> {images}"


def plain(network: M) -> M:
    """A copy for evaluation: layers that exist for speed or training alone are the usual ones."""
    network = copy.deepcopy(network).cpu().eval()
    for module in [*network.modules()]:
        if parametrize.is_parametrized(module):  # such as spectral normalisation
            # Not remove_parametrizations: it changes the class, which the original has too.
            weights = {name: getattr(module, name) for name in module.parametrizations}  # type: ignore[union-attr]
            module.__class__ = parametrize.type_before_parametrizations(module)
            del module.parametrizations
            for name, weight in weights.items():
                module.register_parameter(name, nn.Parameter(weight, requires_grad=False))
        if type(module) in _PLAIN:  # they differ in `forward` alone
            module.__class__ = _PLAIN[type(module)]
    return network


def keep_used(parts: nn.Module, network: nn.Module, *inputs: Tensor) -> None:
    """Remove those children of `parts` in which nothing is called when `network` sees `inputs`."""
    called: set[nn.Module] = set()
    hooks = [
        module.register_forward_hook(lambda module, *_: called.add(module))
        for module in parts.modules()
    ]
    network(*inputs)
    for hook in hooks:
        hook.remove()
    for name, child in [*parts.named_children()]:
        if called.isdisjoint(child.modules()):
            delattr(parts, name)


def _inputs(model: Trained, count: int) -> dict[str, Tensor]:
    """Random inputs of a file, by name."""
    random = torch.Generator().manual_seed(0)
    if isinstance(model, Classifier):
        shape = count, model.size, model.size, 3
        return {"images": torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)}
    noise = torch.randn(count, model.method.noise_size, generator=random)
    label = {
        "none": {},
        "classes": {"label": torch.arange(count) % max(1, len(model.labels))},
        "attributes": {"label": torch.rand(count, len(model.labels), generator=random)},
    }[model.config.label_kind]
    return {"noise": noise} | label


def _metadata(model: Trained) -> dict[str, str]:
    config = model.config
    return {
        "sparring": config.sparring,
        "architecture": config.architecture,
        "size": str(config.size),
        "label_kind": config.label_kind,
        "label_names": json.dumps(config.label_names, ensure_ascii=False),
        "signature": signature(model),
    }


def _check_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise RequestError(
            f"--to onnx needs {error.name}: pip install 'sparring[onnx]', or choose --to pt2"
        ) from error


def _onnx(program: ExportedProgram, model: Trained) -> bytes:
    out = "probabilities" if isinstance(model, Classifier) else "images"
    made = torch.onnx.export(program, dynamo=True, verbose=False, output_names=[out])
    assert made is not None  # with dynamo
    made.model.metadata_props.update(_metadata(model))
    return bytes(made.model_proto.SerializeToString())


def _run_onnx(file: bytes, inputs: dict[str, Tensor]) -> np.ndarray:
    from onnxruntime import InferenceSession

    session = InferenceSession(file, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return np.asarray(found)


def _pt2(program: ExportedProgram, model: Trained) -> bytes:
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={METADATA: json.dumps(_metadata(model))})
    return file.getvalue()


def _run_pt2(file: bytes, inputs: dict[str, Tensor]) -> np.ndarray:
    program = torch.export.load(io.BytesIO(file))
    return np.asarray(program.module()(*inputs.values()).numpy())


def _difference(model: Trained, inputs: dict[str, Tensor], found: np.ndarray) -> float:
    if isinstance(model, Classifier):
        expected = model.predict_proba(inputs["images"].numpy())
        return float(np.abs(found - expected).max())
    label = inputs.get("label", inputs["noise"][:, :0])
    image = model.method.sample(inputs["noise"].to(model.device), label.to(model.device))
    exact = ((image.float() + 1) * 127.5).clamp(0, 255).permute(0, 2, 3, 1).cpu().numpy()
    return float((np.abs(found - exact) - 0.5).clip(0).max() / 255)
