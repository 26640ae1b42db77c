import re
from pathlib import Path
from typing import Any

import pytest

from sparring.cli.compare import compare
from sparring.errors import RequestError
from sparring.report import plots
from sparring.report.templates import policy_hash
from tests.report.conftest import text
from tests.report.maker import Maker


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    maker = Maker(tmp_path / "out")
    return maker.generator("dcgan").path, maker.generator("dcgan", seed=1).path


def test_what_differs_is_printed(
    runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    compare(runs)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"1: {runs[0]}", f"2: {runs[1]}"]
    assert lines[3:5] == ["settings and data", "  seed  0  1"]
    assert lines[6] == "machine: the same"
    assert lines[8] == "scores"
    assert f"  diversity            0.93{16 * ' '}0.93" in lines  # below an interval
    assert lines[-1] == "1 and 2 part nowhere: every number is equal up to step 600"


def test_the_page_has_the_same_and_the_losses(
    runs: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, drawn = tmp_path / "compared.html", list[Any]()
    curves = plots.curves
    monkeypatch.setattr(
        plots,
        "curves",
        lambda *args: drawn.append(args) or curves(*args),  # type: ignore[func-returns-value]
    )
    compare((*runs, runs[0]), out=out)
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    page = out.read_text()
    words = text(page)
    assert "3 runs" in words
    assert "Machine: the same" in words
    assert "seed 0 1 0" in words
    assert "1 and 3 part nowhere" in words
    assert "Scores" in words
    assert re.findall('<img src="data:image/webp;base64,[^"]*" alt="(.*?)">', page) == [
        "Losses of 3 runs"
    ]
    # A panel a loss, and in each a line a run.
    ((steps, panels, _),) = drawn
    assert (steps[0], steps[-1]) == (10, 600)
    assert [(panel.label, list(panel.lines)) for panel in panels] == [
        ("discriminator loss", ["1", "2", "3"]),
        ("generator loss", ["1", "2", "3"]),
    ]
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert (
        f"content=\"default-src 'none'; style-src '{policy_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'\""
    ) in page
    assert "http" not in page.replace("http-equiv", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compared.html", "out"]


def test_wrong_requests_leave_nothing(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="name two runs or more"):
        compare(runs[:1])
    with pytest.raises(RequestError, match="name a file in a folder that exists"):
        compare(runs, out=tmp_path / "nowhere" / "x.html")
    with pytest.raises(RequestError, match="is no run"):
        compare((*runs, tmp_path), out=tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()
