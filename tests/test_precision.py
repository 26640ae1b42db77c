import pytest
import torch

from sparring.precision import resolve_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(("found", "chosen"), [("avx512_bf16", "bfloat16"), ("avx2", "float32")])
def test_auto_precision_takes_bfloat16_where_the_machine_computes_with_it(
    found: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {found: True})
    assert resolve_precision("auto", CPU) == chosen
    assert resolve_precision("float32", CPU) == "float32"
    assert resolve_precision("bfloat16", CPU) == "bfloat16"
