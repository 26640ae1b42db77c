"""The example method in CONTRIBUTING.md is complete, short, and works."""

import re
import sys
from pathlib import Path
from types import ModuleType

import torch

from sparring.game import GenerativeMethod, Shape, Unlabelled

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"


def test_the_example_method_plays() -> None:
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    assert len(found[1].splitlines()) < 40
    module = ModuleType("example_method")
    sys.modules["example_method"] = module
    exec(found[1], module.__dict__)
    torch.manual_seed(0)
    method = module.WGAN(width=4, critic_moves=2)
    assert isinstance(method, GenerativeMethod)
    method.build(Shape(16))
    moves = list(method.moves(Unlabelled(torch.zeros(3, 3, 16, 16)), 0.0))
    assert [move.player for move in moves] == ["critic", "critic", "generator"]
    assert method.sample(torch.zeros(2, 128), torch.zeros(2, 0)).shape == (2, 3, 16, 16)
