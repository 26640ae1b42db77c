import io
from pathlib import Path

import pytest
import torch

from sparring.cli.export import export
from sparring.errors import WorkFailed
from sparring.game import Shape
from sparring.methods import DANN
from sparring.model_folder import save


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    method, shape = DANN(encoder="fast"), Shape(16, ("ant", "bee"), "classes")
    method.build(shape)
    save(tmp_path / "model", method, shape, preset="report2019", data={}, card="")
    return tmp_path / "model"


def test_a_model_becomes_one_file(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    export(model, "pt2")
    line = capsys.readouterr().out
    assert line.startswith(
        "model.pt2: images uint8 [N, 16, 16, 3] -> probabilities float32 [N, 2]; "
        "differs from PyTorch by "
    )
    assert float(line.split()[-3]) < 1e-5
    data = io.BytesIO(Path("model.pt2").read_bytes())
    pixels = torch.zeros(3, 16, 16, 3, dtype=torch.uint8)
    assert torch.export.load(data).module()(pixels).shape == (3, 2)
    export(model, "pt2", Path("other.bin"))
    assert Path("other.bin").stat().st_size > 1000


def test_a_file_that_differs_is_not_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.export._difference", lambda *_: 1.0)
    with pytest.raises(WorkFailed, match=r"differs from PyTorch by 1\.0"):
        export(model, "pt2", tmp_path / "x.pt2")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
