"""Which of two twins is kept, and what its answers come to; numbers by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sparring.data.unsorted import Unsorted
from sparring.errors import RequestError
from sparring.methods import DANN
from sparring.runs import twins
from sparring.runs.predictions import unsure
from sparring.runs.records import TransferAlarm
from sparring.trainer import Training

NAMES = ("ant", "bee", "cow")


def alarm(rings: bool, *changes: float) -> TransferAlarm:
    names = ("information_maximisation", "nuclear_norm", "class_ami")
    return TransferAlarm(
        twin="twin",
        rings=rings,
        words="It looks worse.",
        changes=dict(zip(names, changes, strict=True)),
        disagreement=0.1,
        allowed=0.5,
        overlap_lost=0.0,
        overlap_error=0.1,
        estimated_twin=0.5,
        estimated_adapted=0.6,
        source_change=0.0,
    )


def test_adaptation_helped_only_where_every_check_says_so() -> None:
    helped, why = twins.verdict(alarm(False, 0.1, 0.2, 0.3))
    assert helped
    assert why.startswith("All 3 label-free validators prefer")
    assert twins.verdict(alarm(True, 0.1, 0.2, 0.3)) == (False, "It looks worse.")
    for changes in ((0.1, -0.2, 0.3), (0.1, 0.0, 0.3)):
        helped, why = twins.verdict(alarm(False, *changes))
        assert not helped
        assert "3 label-free validators disagree: nuclear norm would not choose" in why
    assert not twins.verdict(None)[0]


def test_the_twins_differ_in_the_scenario_alone() -> None:
    plain, adapted = twins.twins(DANN(), ("a", "b"), 3, Training(5, 4), 48)
    assert (plain.scenario, adapted.scenario) == ("source-only", "adapted")
    assert (adapted.source, adapted.target, adapted.seed, adapted.size) == ("a", "b", 3, 48)
    assert plain.method is adapted.method
    with pytest.raises(RequestError, match="both source and target"):
        twins.twins(DANN(), ("a", "a"), 0, Training(5, 4), 32)


def test_what_each_class_was_called_and_which_images_are_shown() -> None:
    cow = [0.96, 0.9, 0.8, 0.7, 0.6, 0.52, 0.5]
    chances = np.array([[0.7, 0.2, 0.1], *([0.1 * (1 - c), 0.9 * (1 - c), c] for c in cow)])
    called = dict(twins._called(NAMES, chances))
    assert called["bee"].images == 0
    assert called["bee"].confidence is None
    assert called["cow"].images == 7
    assert called["cow"].confidence == pytest.approx(sum(cow) / 7)
    assert called["cow"].unsure == 3  # from 0.6 on: the second has 0.36
    files = {f"{k}.png": "" for k in range(len(chances))}
    pixels = torch.zeros(len(chances), 3, 8, 8, dtype=torch.uint8)
    shown = list(twins._shown(NAMES, chances, Unsorted(Path("t"), files, pixels)))
    assert [one.file for one in shown if one.label == "ant"] == ["0.png"]
    cows = [one for one in shown if one.label == "cow"]
    assert [one.file for one in cows if one.sure] == ["1.png", "2.png", "3.png", "4.png"]
    assert [one.file for one in cows if not one.sure] == ["7.png", "6.png", "5.png"]
    assert {one.second for one in cows} == {"bee"}
    assert cows[0].second_confidence == pytest.approx(0.9 * 0.04)
    assert cows[0].webp[8:12] == b"WEBP"


def test_images_of_the_most_frequent_classes_alone_are_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(twins, "CLASSES", 1)
    monkeypatch.setattr(twins, "EACH", 1)
    chances = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.2, 0.6], [0.0, 0.2, 0.8]])
    target = Unsorted(Path("t"), dict.fromkeys("abcd", ""), torch.zeros(4, 3, 8, 8).byte())
    shown = [(one.file, one.sure) for one in twins._shown(NAMES, chances, target)]
    assert shown == [("d", True), ("c", False)]


def test_unsure_is_what_is_not_twice_as_likely_as_the_second() -> None:
    chances = np.array([[0.6, 0.3, 0.1], [0.59, 0.31, 0.1], [0.2, 0.4, 0.4]])
    assert unsure(chances).tolist() == [False, True, True]
    assert bool(unsure(chances[1]))
