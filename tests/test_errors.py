import pytest

from sparring.errors import RequestError, check_name, one_line, unknown


def test_the_nearest_name_is_offered_and_all_are_listed() -> None:
    assert str(unknown("method", "dan", ["dsn", "dann"])) == (
        "unknown method 'dan': did you mean 'dann'? known: dann, dsn"
    )
    assert str(unknown("method", "zzz", ["b", "a"])) == "unknown method 'zzz': known: a, b"


def test_one_line_escapes_all_that_does_not_print() -> None:
    assert one_line("a\nb\tc\x1b[2Jd\udcff é") == r"a\nb\tc\x1b[2Jd\udcff é"


def test_a_name_that_is_not_utf8_is_refused() -> None:
    check_name("näme 'x'\n")
    with pytest.raises(RequestError, match="not UTF-8"):
        check_name("n\udcff")
