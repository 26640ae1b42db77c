"""What a network is made of, told by the network itself: layers, output shapes, parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook
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
    """The layers of `network` that run during `forward()`, each once, in their order.

    Call with networks in evaluation mode, so that nothing in them changes. `forward` may ask for
    gradients, as a penalty on them does. A network without layers inside it is its own layer.
    """
    names = {
        module: name
        for name, module in network.named_modules()
        if "parametrizations" not in name
        and (is_parametrized(module) or not list(module.children()))
    }
    layers: dict[nn.Module, LayerSummary] = {}

    def record(module: nn.Module, inputs: Any, output: Any) -> None:
        if module in names:
            kind, shape = (
                type(module).__name__.removeprefix("Parametrized"),
                tuple(output.shape[1:]),
            )
            layers[module] = LayerSummary(
                names[module], kind, _detail(module), shape, count_parameters(module)
            )

    with register_module_forward_hook(record):
        forward()
    return list(layers.values())


def _detail(module: nn.Module) -> str:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        kernel = "x".join(map(str, module.kernel_size))
        bias = "no bias" if module.bias is None else "bias"
        norm = ", spectral norm" if is_parametrized(module) else ""
        channels = f"{module.in_channels} → {module.out_channels}"
        return f"{channels}, {kernel}, stride {module.stride[0]}, {bias}{norm}"
    if isinstance(module, nn.Linear):
        return f"{module.in_features} → {module.out_features}"
    if isinstance(module, nn.Embedding):
        return f"{module.num_embeddings} rows of {module.embedding_dim}"
    if isinstance(module, nn.LeakyReLU):
        return f"slope {module.negative_slope}"
    return ""
