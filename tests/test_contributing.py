"""The example method in CONTRIBUTING.md is complete, short, and trains."""

import os
import re
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from sparring.errors import Stopped
from sparring.game import Batch, GenerativeMethod, Shape, Unlabelled
from sparring.methods import METHODS, name_of
from sparring.trainer import Trainer, Training

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
STEPS = 60


@pytest.fixture
def wgan(monkeypatch: pytest.MonkeyPatch) -> type[GenerativeMethod]:
    """The class on the page, registered as the page says."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    assert len(found[1].splitlines()) < 45
    module = ModuleType("sparring.methods.wgan")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(found[1], module.__dict__)
    monkeypatch.setitem(METHODS, "wgan", module.WGAN)
    kind: type[GenerativeMethod] = module.WGAN
    return kind


def built(kind: type[GenerativeMethod]) -> GenerativeMethod:
    torch.manual_seed(0)
    method = kind(width=4, noise_size=8)
    method.build(Shape(16))
    return method


def images(step: int) -> Batch:
    random = torch.Generator().manual_seed(step)
    return Unlabelled(torch.rand(8, 3, 16, 16, generator=random) * 2 - 1)


def test_the_example_method_plays(wgan: type[GenerativeMethod]) -> None:
    method = built(wgan)
    assert name_of(method) == "wgan"
    moves = list(method.moves(images(0), 0.0))
    assert [move.player for move in moves] == ["critic"] * 5 + ["generator"]
    assert method.sample(torch.zeros(2, 8), torch.zeros(2, 0)).shape == (2, 3, 16, 16)


def test_the_example_method_trains_stopped_and_resumed_to_the_same_weights(
    wgan: type[GenerativeMethod], tmp_path: Path
) -> None:
    # 60 steps: past the first pulse, at which gradients are looked at and alarms are asked.
    def train(folder: str, stop: bool) -> GenerativeMethod:
        def feed(step: int) -> Batch:
            if stop and step == STEPS // 2:
                os.kill(os.getpid(), signal.SIGTERM)
            return images(step)

        method, place = built(wgan), tmp_path / folder
        place.mkdir(exist_ok=True)
        trainer = Trainer(method, feed, Training(STEPS, 8, "float32"), place, torch.device("cpu"))
        trainer.run()
        assert trainer.step == STEPS
        return method

    whole = train("whole", stop=False).state_dict()
    with pytest.raises(Stopped):
        train("parts", stop=True)
    resumed = train("parts", stop=False).state_dict()
    assert all(torch.equal(whole[name], value) for name, value in resumed.items())
    assert not torch.equal(whole["critic.layers.0.bias"], torch.zeros(4))
    rows = (tmp_path / "parts" / "log.jsonl").read_text()
    assert rows.count("\n") == STEPS
    assert not (tmp_path / "parts" / "events.json").exists()
