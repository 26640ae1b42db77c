from sparring.errors import unknown


def test_the_nearest_name_is_offered_and_all_are_listed() -> None:
    assert str(unknown("method", "dan", ["dsn", "dann"])) == (
        "unknown method 'dan': did you mean 'dann'? known: dann, dsn"
    )
    assert str(unknown("method", "zzz", ["b", "a"])) == "unknown method 'zzz': known: a, b"
