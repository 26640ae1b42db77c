"""Methods by the names that the simple commands take."""

import pytest

from sparring import defaults
from sparring.errors import RequestError
from sparring.game import AdaptationMethod, GenerativeMethod
from sparring.methods import METHODS, adaptation, generation, name_of


def test_auto_is_what_the_defaults_say() -> None:
    assert name_of(adaptation("auto")) == defaults.ADAPT
    assert name_of(generation("auto")) == defaults.GENERATE


def test_every_method_of_the_kind_is_known_and_no_other() -> None:
    for name, kind in METHODS.items():
        if issubclass(kind, AdaptationMethod):
            assert name_of(adaptation(name)) == name
            with pytest.raises(RequestError, match=f"unknown method '{name}'"):
                generation(name)
        elif issubclass(kind, GenerativeMethod):
            assert name_of(generation(name)) == name
            with pytest.raises(RequestError, match=f"unknown method '{name}'.*known: auto"):
                adaptation(name)
