import json
from pathlib import Path
from typing import Any

import pytest

from sparring.errors import RequestError
from sparring.report import checked
from sparring.report.checked import Unfit, check, parse, told


@pytest.mark.parametrize(
    ("form", "good", "bad"),
    [
        (checked.whole, [0, -3, 2**53], [True, 1.0, "1", None, 2**53 + 1]),
        (checked.count, [0, 7], [-1, True]),
        (checked.real, [1, 0.5, float("nan"), float("inf")], [True, 1e300, "1", None, [1]]),
        (checked.finite, [1, -0.5], [float("nan"), float("inf"), 1e300]),
        (checked.positive, [0, 0.5], [-0.1]),
        (checked.fraction, [0, 0.5, 1], [-0.1, 1.1, True]),
        (
            checked.moment,
            ["2026-01-02T03:04:05Z", "2026-01-02"],
            ["x", 3, "0001-01-01T00:00+14:00"],
        ),
        (checked.one_of("a", "b"), ["a"], ["c", ["a"], None]),
        ([checked.text], [[], ["a"]], ["a", [1], None, {}]),
        ({"a": checked.text}, [{"a": ""}, {"a": "", "b": 1}], [{}, {"a": 1}, [], None]),
        ({"a?": checked.text}, [{}, {"a": ""}], [{"a": 1}]),
        ({str: checked.count}, [{}, {"x": 1}], [{"x": -1}, []]),
        ((checked.nothing, checked.count), [None, 1], [-1, "a"]),
    ],
)
def test_what_has_the_form_passes_and_all_else_does_not(
    form: Any, good: list[Any], bad: list[Any]
) -> None:
    for value in good:
        check(value, form)
    for value in bad:
        with pytest.raises(Unfit):
            check(value, form)


def test_the_place_is_named() -> None:
    with pytest.raises(Unfit, match=r"it\.a\[1\]\.b is not this: a whole number from 0 up"):
        check({"a": [{"b": 0}, {"b": -1}]}, {"a": [{"b": checked.count}]})
    with pytest.raises(Unfit, match=r"it\.a\[0\] has no 'b'"):
        check({"a": [{}]}, {"a": [{"b": checked.count}]})


@pytest.mark.parametrize(
    "data", [b"{", b"\xff", b'["\\ud800"]', b"[" * 50_000, b"[1" + b"0" * 5000 + b"]", b'"a"']
)
def test_json_that_is_damaged_is_told_in_one_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(data)
    message = r"cannot read .*f\.json: .*; mend it"
    with pytest.raises(RequestError, match=message) as caught, told(path, "mend it"):
        parse(path.read_bytes(), [checked.anything])
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_has_a_greatest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_text(json.dumps([1]))
    monkeypatch.setattr(checked, "MAX_BYTES", 2)
    with pytest.raises(RequestError, match="more than 0 MB"), told(tmp_path / "f"):
        raise AssertionError("it is not read")
