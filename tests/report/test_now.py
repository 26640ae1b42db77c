from pathlib import Path

import pytest

from sparring.report.now import under_way
from sparring.runs.folder import Run
from tests.report.maker import Maker, happened
from tests.report.test_live import decoded
from tests.report.under_way import drew, generator, stopped_at


def test_a_run_under_way_is_told_by_its_log(tmp_path: Path) -> None:
    run = generator(tmp_path, rows=40)  # a row every 10 steps, 1,280 images and a second
    (now,) = under_way([run])
    assert (now.name, now.step, now.steps) == (run.name, 400, 600)
    assert now.speed == 1280
    assert now.left == pytest.approx(20.0)  # 200 steps of 128
    assert now.age == pytest.approx(3.0, abs=2.0)
    assert now.health == "well"
    lines = {line.name: line for line in now.lines}
    assert list(lines) == ["discriminator", "generator", "hits real", "hits fake", "diversity"]
    falling = [float(point.split(",")[1]) for point in lines["discriminator"].points.split()]
    assert falling == sorted(falling)  # downwards, as SVG counts
    assert (falling[0], falling[-1]) == (0.0, 30.0)
    assert lines["discriminator"].last == pytest.approx(2 - 39 / 59, abs=0.02)
    assert now.picture is None


def test_the_speed_is_that_of_late(tmp_path: Path) -> None:
    run = generator(tmp_path, rows=60)
    log = run.path / "log.jsonl"
    rows = log.read_text().splitlines(keepends=True)
    slow = [row.replace(f'"seconds":{k}', f'"seconds":{3 * k - 60}') for k, row in enumerate(rows)]
    log.write_text("".join(rows[:30] + slow[30:]))  # a third as fast from the 30th row on
    (now,) = under_way([run])
    assert now.speed == pytest.approx(1280 / 3)


def test_the_newest_images_are_shown(tmp_path: Path) -> None:
    run = generator(tmp_path)
    drew(run, 100, 50)
    drew(run, 1100, 200)
    (now,) = under_way([run])
    assert now.picture is not None
    assert now.picture.step == 1100
    seen = decoded(now.picture.image)
    assert seen.shape == (16, 128, 3)
    assert seen.mean() == pytest.approx(200, abs=3)


def test_what_went_wrong_is_told(tmp_path: Path) -> None:
    run = generator(tmp_path)
    happened(run)
    (now,) = under_way([run])
    assert now.health == "alarm at step 300: collapse: the diversity has fallen to 0.10"


def test_before_the_first_row_little_is_known(tmp_path: Path) -> None:
    run = generator(tmp_path, rows=0)
    (now,) = under_way([run])
    assert (now.step, now.speed, now.left, now.age, now.lines) == (0, None, None, None, ())


def test_only_what_has_begun_and_is_not_finished_is_under_way(maker: Maker) -> None:
    done, other = maker.generator("dcgan"), stopped_at(maker.classifier("dann"), 20)
    names = [now.name for now in under_way([done, Run(maker.out / "runs" / "none"), other])]
    assert names == [other.name]
