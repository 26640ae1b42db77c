"""What stands first: what was trained, what came out, whether to trust it, and what to do next."""

import json
from typing import Any

import msgspec
import pytest

from sparring.report.collect import collect
from sparring.report.groups import adaptations, generations
from sparring.report.page import build, environment
from sparring.runs.records import Use
from tests.report.conftest import text
from tests.report.maker import Maker, compare, fidelity


def short(maker: Maker) -> str:
    words = text(build(maker.plan()).read_text())
    return words[words.index("In short") : words.index("sparring train --out <here>")]


def alone(maker: Maker, **plan: Any) -> str:
    """The words of the summary, without the page around it, whose figures take their time."""
    report = collect(maker.plan(**plan))
    template = environment(report, {}).get_template("summary.html.jinja")
    groups = generations(report.runs), adaptations(report.runs)
    return text(str(template.module.summary(*groups)))  # type: ignore[attr-defined]


def test_a_generator_in_short(maker: Maker) -> None:
    maker.generator("acgan", ("Smiling", "Male"))
    words = short(maker)
    assert "ACGAN on Smiling+Male A generator that learned to draw 32 x 32 pixels" in words
    assert "from 4,000 images of faces stand-in : 600 steps of 128." in words
    assert "Its images differ 93 % as much as real ones." in words
    assert "May you trust it? No sign of copying. One seed: another gives other numbers." in words
    assert "On images that the program drew: photographs give other numbers." in words
    name = "acgan-faces-Smiling-Male-report2019-generation-0"
    command = f"sparring sample runs/{name}/model --out samples.png"
    assert f"{command} (in the folder of this page)" in words


def test_a_generator_is_placed_between_spoilt_real_images(maker: Maker) -> None:
    run = maker.generator("acgan", ("Smiling",))
    rows = {
        "generated": fidelity(42.0),
        "real test images": fidelity(3.0),
        "blurred": fidelity(30.0),
        "noised": fidelity(50.0),
        "shuffled pixels": fidelity(90.0),
    }
    metrics = {**run.scores.metrics, "attribute_accuracy": 0.7}  # type: ignore[union-attr]
    run.write(msgspec.structs.replace(run.scores, fidelity=rows, metrics=metrics))
    words = short(maker)
    assert "What was asked for is seen in 70 % of them (in real images: 85 %)." in words
    assert "They lie nearer to real images than real ones that are noised and shuffled." in words
    run.write(msgspec.structs.replace(run.scores, fidelity=rows | {"generated": fidelity(99.0)}))
    words = short(maker)
    assert "further from real images than real ones that are blurred, noised and shuffled" in words


def test_an_adaptation_in_short(maker: Maker) -> None:
    for scenario in ("source-only", "adapted"):
        maker.classifier("dann", scenario)
    words = short(maker)
    assert "learned from 4,000 labelled images and 4,000 of the target without labels" in words
    assert "It reads 50.0 % of the target's test images rightly; without adaptation 40.0 %" in words
    assert "(+10.0 points)" in words
    assert "Its confidence is 30 points off on average" in words
    assert "One seed: another gives other numbers." in words
    assert "program drew" not in words
    assert "predict runs/dann-here-there-report2019-adapted-0/model IMAGES" in words


def test_a_loss_or_an_alarm_leads_to_the_source_only_model(maker: Maker) -> None:
    maker.classifier("dann", "source-only")
    maker.classifier("dann", scores={"accuracy": 0.3})
    words = short(maker)
    assert "adaptation did not help: sparring predict runs/dann-here-there-report2019-sou" in words
    bare = Maker(maker.out.with_name("bare"))
    twin = bare.classifier("dann", "source-only", labelled=False)
    compare(bare.classifier("dann", labelled=False), twin, rings=True)
    words = short(bare)
    assert "Nobody knows the target's labels; by its confidence about 45 % of its images" in words
    assert "The alarm for negative transfer rings." in words
    assert "Use the source-only model" in words


def test_losses_that_have_not_settled_lead_to_a_longer_training(maker: Maker) -> None:
    run = maker.generator("dcgan")
    longer = "Train longer: its losses have not settled."
    assert longer not in alone(maker)  # they are near their end from 80 % on
    log = run.path / "log.jsonl"
    rows = log.read_text().splitlines(keepends=True)
    log.write_text("".join(rows[:9]))  # too few to tell
    assert f"Next. {longer} Draw with it: sparring sample runs/" in alone(maker)
    again = [json.loads(row) | {"losses": json.loads(rows[0])["losses"]} for row in rows[55:]]
    log.write_text("".join(rows[:55] + [f"{json.dumps(row)}\n" for row in again]))  # as at first
    assert longer in alone(maker)


def test_what_nobody_looked_for_is_not_called_absent(maker: Maker) -> None:
    run = maker.generator("dcgan")
    run.write(msgspec.structs.replace(run.scores, copies=None))
    assert "May you trust it? Whether it copies is not known. One seed" in alone(maker)


def test_a_set_in_place_of_another_is_a_caveat(maker: Maker) -> None:
    maker.classifier("dann")
    words = "On another set than was asked for."
    assert words not in alone(maker)
    assert words in alone(maker, uses=[Use(asked="svhn", used="there", kind="real", why="at hand")])


def test_a_classifier_that_was_not_adapted_is_no_adapted_one(maker: Maker) -> None:
    maker.classifier("dann", "source-only")
    words = alone(maker)
    assert "It reads 40.0 % of the target's test images rightly; no adapted classifier was" in words
    assert "of the target without labels" not in words
    assert "predict runs/dann-here-there-report2019-source-only-0/model IMAGES" in words


def test_an_upper_bound_learned_from_the_target(maker: Maker) -> None:
    target = maker.data("there", train=77)
    maker.classifier("dann", "target-only", data={"source": maker.data("here"), "target": target})
    assert "learned from 77 labelled images of the target: 600 steps" in alone(maker)


def test_a_gain_is_that_of_the_seeds_that_have_both(maker: Maker) -> None:
    """One lucky source-only seed more led to "did not help", beside "the gain is clear"."""
    for seed in range(3):
        maker.classifier("dann", "source-only", seed=seed)  # 0.40, 0.41, 0.42
        maker.classifier("dann", seed=seed, scores={"accuracy": 0.43 + 0.01 * seed})
    maker.classifier("dann", "source-only", seed=3, scores={"accuracy": 0.9})
    words = alone(maker)
    assert "reads 44.0 % of the target's test images rightly; without adaptation 53.2 %" in words
    assert "(+3.0 points over the seeds of both)" in words
    assert "The gain is clear over 3 seeds." in words
    assert "Let it read your images" in words


@pytest.mark.parametrize(
    ("adapted", "said"),
    [
        ((0.5, 0.51, 0.52), "The gain is clear over 3 seeds."),
        ((0.3, 0.31, 0.32), "The loss is clear over 3 seeds."),
        ((0.5, 0.3, 0.45), "The difference is not clear over 3 seeds."),
    ],
)
def test_what_several_seeds_make_clear(adapted: tuple[float, ...], said: str, maker: Maker) -> None:
    for seed, accuracy in enumerate(adapted):
        maker.classifier("dann", "source-only", seed=seed)  # 0.40, 0.41, 0.42
        maker.classifier("dann", seed=seed, scores={"accuracy": accuracy})
    assert f"May you trust it? {said}" in alone(maker)


def test_several_seeds_say_whether_the_gain_is_clear(maker: Maker) -> None:
    for seed in range(3):
        for scenario in ("source-only", "adapted"):
            maker.classifier("dann", scenario, seed=seed)
    words = short(maker)
    assert "The gain is clear over 3 seeds." in words
    assert "One seed" not in words


def test_only_six_are_shown_at_once(maker: Maker) -> None:
    for k in range(8):
        run = maker.classifier("dann", "adapted", ("here", f"there{k}"))
        for file in (run.path / "log.jsonl", *run.path.glob("*.safetensors")):
            file.unlink()  # figures take their time
    page = build(maker.plan()).read_text()
    assert "The other 2 DANN: here → there6" in text(page)
    assert page.count("<article>") == 8
