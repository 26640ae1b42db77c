"""In what arithmetic a network computes. Knows the machine; knows no network and no training."""

from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]


def resolve_precision(precision: Precision, device: torch.device) -> Precision:
    """What "auto" can mean here: bfloat16 where the machine computes with it, else float32.

    Whether it is the faster for a certain network, `jobs.arithmetic` measures.
    Parameters, losses, norms and optimizers are float32 in either case.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        capable = torch.cuda.is_bf16_supported()
    else:
        found = torch.cpu.get_capabilities()
        capable = found.get("avx512_bf16", False) or found.get("amx_bf16", False)
    return "bfloat16" if capable else "float32"
