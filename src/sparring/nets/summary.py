"""What a network is made of, told by the network itself: layers, output shapes, parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized


@dataclass(frozen=True)
class LayerSummary:
    """One layer. `output` leaves the batch dimension out."""

    name: str
    kind: str
    detail: str
    output: tuple[int, ...]
    parameters: int


def count_parameters(module: nn.Module) -> int:
    """Number of trained numbers in a module."""
    return sum(parameter.numel() for parameter in module.parameters())


def describe(network: nn.Module, forward: Callable[[], Any]) -> list[LayerSummary]:
    """The layers of `network` that run during `forward()`, in the order in which they run.

    `forward` is called once, without gradients; call with networks in evaluation mode, so that
    nothing in them changes. A layer that runs twice is listed once; a network without layers
    inside it is its own layer.
    """
    layers: dict[str, LayerSummary] = {}
    handles = [
        module.register_forward_hook(_recorder(name, layers))
        for name, module in network.named_modules()
        if _is_layer(module) and "parametrizations" not in name
    ]
    try:
        with torch.no_grad():
            forward()
    finally:
        for handle in handles:
            handle.remove()
    return list(layers.values())


def _is_layer(module: nn.Module) -> bool:
    return is_parametrized(module) or not list(module.children())


def _recorder(name: str, layers: dict[str, LayerSummary]) -> Callable[[Any, Any, Any], None]:
    def record(module: nn.Module, inputs: Any, output: Tensor) -> None:
        kind = type(module).__name__.removeprefix("Parametrized")
        shape = tuple(output.shape[1:])
        layers.setdefault(
            name, LayerSummary(name, kind, _detail(module), shape, count_parameters(module))
        )

    return record


def _detail(module: nn.Module) -> str:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        parts = [
            f"{module.in_channels} → {module.out_channels}",
            "x".join(map(str, module.kernel_size)),
            f"stride {module.stride[0]}",
            "bias" if module.bias is not None else "no bias",
        ]
        return ", ".join(parts + ["spectral norm"] * is_parametrized(module))
    if isinstance(module, nn.Linear):
        return f"{module.in_features} → {module.out_features}"
    if isinstance(module, nn.Embedding):
        return f"{module.num_embeddings} rows of {module.embedding_dim}"
    if isinstance(module, nn.LeakyReLU):
        return f"slope {module.negative_slope}"
    return ""
