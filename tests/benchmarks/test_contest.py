from typing import Any

import pytest
from benchmarks.speed.contender import Finish, Turn
from benchmarks.speed.contest import Side, contest, ratios, spread


def side(*seconds: float, inside: float | None = 1.0, checkpoint: float = 0.0) -> Side:
    turns = tuple(Turn(2, second, inside) for second in seconds)
    return Side(turns, Finish(100.0, 5.0, checkpoint))


def test_median_and_quartiles() -> None:
    found = spread([4.0, 1.0, 2.0, 3.0, 5.0])
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)
    assert spread([7.0]).low == 7.0


def test_ratios_compare_what_ran_in_the_same_round() -> None:
    # The machine slows down threefold; the ratio stays.
    assert ratios(side(1.0, 2.0, 3.0), side(4.0, 8.0, 12.0)) == [4.0, 4.0, 4.0]
    two_steps_against_one = Side((Turn(1, 2.0, None),), Finish(0.0, 0.0, 0.0))
    assert ratios(side(1.0), two_steps_against_one) == [4.0]


def test_speed_counts_the_images_of_every_step() -> None:
    assert side(1.0, 4.0).images_per_second(10) == [20.0, 5.0]
    assert side(1.0, 4.0, 2.0).step_seconds == 1.0


def test_time_outside_the_step_counts_a_checkpoint_every_so_often() -> None:
    assert side(1.25, 1.25).outside(checkpoint_every=100.0) == pytest.approx(0.2)
    # 2.5 s of turns take a 40th of 100 s: a 40th of a checkpoint of 20 s is half a second.
    assert side(1.25, 1.25, checkpoint=20.0).outside(100.0) == pytest.approx(1 / 3)
    assert side(1.25, inside=None).outside(100.0) is None


class Scripted:
    """A contender that takes a given time a step and writes down its turns."""

    def __init__(self, name: str, seconds: float, played: list[tuple[str, int]]) -> None:
        self.name, self.seconds, self.played = name, seconds, played

    def turn(self, steps: int) -> Turn:
        self.played.append((self.name, steps))
        return Turn(steps, steps * self.seconds, None)

    def finish(self) -> Finish:
        self.played.append((self.name, 0))
        return Finish(1.0, 0.0, 0.0)


def test_turns_alternate_after_a_warm_up() -> None:
    played: list[tuple[str, int]] = []
    rounds: list[tuple[int, float]] = []
    a: Any = Scripted("a", 0.5, played)
    b: Any = Scripted("b", 0.1, played)
    reference, ours = contest(a, b, 1e-9, lambda *shown: rounds.append(shown))
    warm, turns, ends = played[:4], played[4:-2], played[-2:]
    assert warm == [("a", 1), ("b", 1)] * 2
    assert turns == [("a", 1), ("b", 1)] * 3
    assert ends == [("a", 0), ("b", 0)]
    assert rounds == [(1, 5.0), (2, 5.0), (3, 5.0)]
    assert len(reference.turns) == len(ours.turns) == 3


def test_a_turn_has_as_many_steps_as_fill_a_second() -> None:
    played: list[tuple[str, int]] = []
    a: Any = Scripted("a", 0.4, played)
    b: Any = Scripted("b", 0.03, played)

    class Enough(Exception):
        pass

    def stop(rounds: int, ratio: float) -> None:
        raise Enough

    with pytest.raises(Enough):
        contest(a, b, 1000.0, stop)
    assert played[4:] == [("a", 3), ("b", 34)]
