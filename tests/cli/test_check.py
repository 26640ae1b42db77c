import json
import re
from pathlib import Path

import pytest

from sparring.cli.check import check
from sparring.report.templates import policy_hash
from tests.cli.test_cli import run, shown
from tests.data.doctor.maker import folder, picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder(tmp_path / "photos", 12)


def test_a_set_without_faults(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check(str(photos))
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("photos: 24 train; 24 test; 2 labels: ant 24, bee 24; PNG RGB (48)")
    assert last == "no faults found"


def test_a_line_a_finding_the_worst_first(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(0).save(photos / "train" / "ant" / "copy.png")
    picture(1).save(photos / "train" / "bee" / "moved.png")
    picture(2).convert("L").save(photos / "test" / "bee" / "grey.png")
    page = tmp_path / "page.html"
    check(str(photos), out=page)
    _, *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "warning", "note"]
    first, second = (line.replace("train/", "") for line in lines[:2])
    assert "(ant/01.png = bee/moved.png): keep the right one" in first
    assert "(ant/00.png = ant/copy.png)" in second
    assert last == f"1 error, 1 warning, 1 note; {page} shows them"
    html = page.read_text()
    assert len(re.findall(r'src="data:image/png;base64,\w', html)) == 5
    assert "bee/moved.png" in html


def test_json_and_a_page_of_two_sets(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = tmp_path / "scans"
    scans.mkdir()
    for k in range(20):
        picture(500 + k).save(scans / f"{k:02}.png")
    (scans / "<b>.png").write_bytes(b"")
    check(str(photos), str(scans), json=True, size=32, out=tmp_path / "page.html")
    told = json.loads(capsys.readouterr().out)
    assert [one["set"] for one in told["sets"]] == ["photos", "scans"]
    assert told["sets"][0]["classes"] == {"ant": [12, 12], "bee": [12, 12]}
    (finding,) = told["findings"]
    assert (finding["kind"], finding["count"], finding["sets"]) == ("undecodable", 1, ["scans"])
    assert finding["examples"][0][0]["file"] == "<b>.png"
    html = (tmp_path / "page.html").read_text()
    assert "<img" not in html
    assert "&lt;b&gt;.png" in html
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert f"default-src 'none'; style-src '{policy_hash(style)}'; img-src data:;" in html
    assert " style=" not in html  # that policy would refuse it
    assert html.count('<progress max="24" value="24" aria-label=') == 2
    assert "a trained model estimates them" in html


def test_two_folders_of_one_name_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (folder(tmp_path / where / "digits", 6, k) for where, k in (("a", 0), ("b", 500)))
    check(str(one), str(two))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["a/digits", "b/digits"]


def test_the_command_line_takes_one_or_two_folders(
    photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    help = shown(monkeypatch, capsys, "check")
    assert all(word in help for word in ("DIR", "DIR2", "--json", "--size", "--out"))
    assert run(monkeypatch, "check") == 2
    assert run(monkeypatch, "check", str(photos), "nowhere") == 2
    assert "nowhere" in capsys.readouterr().err
