from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from sparring.errors import RequestError
from sparring.report.compare import compare, overlaid, parting
from sparring.runs.folder import Run
from sparring.runs.records import LogRow
from sparring.runs.scores import GeneratorScores
from tests.report.maker import ENVIRONMENT, Maker
from tests.report.under_way import stopped_at


def rows(*losses: float | None, every: int = 5) -> list[LogRow]:
    return [
        LogRow(step=every * k, images=8 * every * k, seconds=float(k), losses={"critic": loss})
        for k, loss in enumerate(losses, 1)
    ]


ONE = rows(0.5, 0.25, None, 0.125)


def test_logs_that_differ_in_time_alone_part_nowhere() -> None:
    later = [structs.replace(row, seconds=9.0 * row.seconds) for row in ONE]
    assert parting(ONE, later) == "part nowhere: every number is equal up to step 20"
    assert parting(ONE, later[:3]) == (
        "part nowhere: every number is equal up to step 15, where the shorter log ends"
    )


def test_the_first_row_that_differs_tells_the_steps() -> None:
    assert parting(rows(0.5, 1 / 3), rows(0.5, 1 / 3 + 2**-54)) == (
        "part in steps 6 to 10: critic loss 0.3333333333333333 and 0.33333333333333337"
    )
    assert parting(ONE, rows(0.5, 0.25, 7.0, 8.0)) == (
        "part in steps 11 to 15: critic loss None and 7.0"
    )
    assert parting(rows(0.5, 0.25, every=1), rows(0.5, 0.75, every=1)) == (
        "part in step 2: critic loss 0.25 and 0.75"
    )


@pytest.mark.parametrize("kind", ["terms", "gradients", "measures"])
def test_every_number_of_a_row_counts(kind: str) -> None:
    changed = [structs.replace(row, **{kind: {"new": 0.5}}) for row in ONE]
    words = {"terms": "new", "gradients": "new gradient", "measures": "new"}[kind]
    assert parting(ONE, changed) == f"part in steps 1 to 5: {words} None and 0.5"
    assert parting(changed, changed) == "part nowhere: every number is equal up to step 20"


def test_rows_of_other_steps_cannot_be_compared() -> None:
    assert parting(ONE, rows(0.5, 0.25, every=10)) == (
        "cannot be compared after step 0: the next rows of the logs are of steps 5 and 10"
    )
    assert parting(ONE, []) == "cannot be compared: a log has no rows"


def test_what_was_asked_and_the_machine_are_told_where_they_differ(maker: Maker) -> None:
    one = maker.classifier("dann", settings={"learning_rate": 0.0002, "depth": 3})
    two = maker.classifier("dann", seed=1, settings={"learning_rate": 0.001, "depth": 3})
    two.write(structs.replace(ENVIRONMENT, threads=1))
    found = compare([one, two])
    assert found.asked == {"seed": ("0", "1"), "settings learning_rate": ("0.0002", "0.001")}
    assert found.machine == {"threads": ("2", "1")}


def test_other_data_under_one_name_differ(maker: Maker, tmp_path: Path) -> None:
    one = maker.generator("dcgan")
    two = Maker(tmp_path / "other").generator("dcgan")
    data = structs.replace(two.config.data["images"], fingerprint=f"sha256:{'cd' * 32}")
    two.write(structs.replace(two.config, data={"images": data}))
    found = compare([one, Run(two.path)])
    assert found.asked == {"images": ("faces (sha256:abababab…)", "faces (sha256:cdcdcdcd…)")}


def test_scores_have_the_intervals_that_there_are(maker: Maker) -> None:
    one = maker.classifier("dann", scores={"confusion": ((150, 50), (150, 50))})
    two = maker.classifier("dann", sets=("bare", "other"), labelled=False)
    scores = compare([one, two]).scores
    assert scores["accuracy on the target, %"] == ("50.0 [45.1, 54.9]", "—")  # Wilson, of 400
    assert scores["accuracy on the source, %"][0] == "97.0 [95.1, 98.2]"  # of 500
    assert scores["mixing"] == ("0.4", "0.4")
    assert scores["images/s"] == ("1,152", "1,152")


def test_an_accuracy_of_some_labelled_images_has_the_interval_of_so_many(maker: Maker) -> None:
    some = {"accuracy": 0.75, "confusion": ((9, 1), (4, 6)), "test_images": 4000}
    scores = compare([maker.classifier("dann", scores=some)]).scores
    assert scores["accuracy on the target, %"] == ("75.0 [53.1, 88.8]",)  # Wilson, of 20


def test_the_source_counts_the_images_that_were_looked_at(maker: Maker) -> None:
    scores = compare([maker.classifier("dann", tested=100)]).scores
    assert scores["accuracy on the source, %"] == ("97.0 [91.5, 99.0]",)


def test_a_generators_scores_and_one_that_is_under_way(maker: Maker) -> None:
    one = maker.generator("acgan", ("Smiling", "Male"))
    two = stopped_at(maker.generator("dcgan"), 30)
    scores = compare([one, two]).scores
    assert scores["state"] == ("finished", "step 300 of 600")
    assert scores["frechet"] == ("42", "—")
    assert scores["kid"] == ("0.01 [-0.04, 0.06]", "—")
    assert scores["features, of images"] == ("convnet, 500", "—")
    assert scores["Smiling as asked, %"] == ("80.0 [75.0, 85.0]", "—")
    assert scores["Male flips, %"] == ("60.0 [55.0, 65.0]", "—")


def test_a_run_before_its_first_row(maker: Maker) -> None:
    run = stopped_at(maker.generator("dcgan"), 0)
    assert compare([run, run]).scores["state"] == ("step 0 of 600",) * 2


def test_no_run_is_refused(maker: Maker) -> None:
    with pytest.raises(RequestError, match="is no run: name folders such as OUT/runs/NAME"):
        compare([maker.generator("dcgan"), Run(maker.plan())])


def test_losses_lie_over_each_other_by_step(maker: Maker) -> None:
    one = stopped_at(maker.generator("dcgan"), 3)
    two = maker.generator("dcgan", seed=1)
    log = two.path / "log.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[1:5:2]))
    steps, losses = overlaid([one, two])
    assert steps.tolist() == [10, 20, 30, 40]
    assert list(losses) == ["discriminator", "generator"]
    first, second = losses["generator"]["1"], losses["generator"]["2"]
    assert np.isnan(first).tolist() == [False, False, False, True]
    assert np.isnan(second).tolist() == [True, False, True, False]
    assert second[1] == first[1] == pytest.approx(1.2 + 2 / 59)


def test_a_generators_scores_without_its_extras(maker: Maker) -> None:
    run = maker.generator("dcgan")
    run.write(GeneratorScores(metrics={"diversity": None}))
    assert compare([Run(run.path)]).scores["diversity"] == ("—",)
