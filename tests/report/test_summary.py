"""What stands first: what was trained, what came out, whether to trust it, and what to do next."""

from sparring.report.page import build
from tests.report.conftest import text
from tests.report.maker import Maker, compare, fidelity


def short(maker: Maker) -> str:
    words = text(build(maker.plan()).read_text())
    return words[words.index("In short") : words.index("sparring train --out <here>")]


def test_a_generator_in_short(maker: Maker) -> None:
    maker.generator("acgan", ("Smiling", "Male"))
    words = short(maker)
    assert "ACGAN on Smiling+Male A generator that learned to draw 32 x 32 pixels" in words
    assert "from 4,000 images of faces stand-in : 600 steps of 128." in words
    assert "Its images differ 93 % as much as real ones." in words
    assert "May you trust it? No sign of copying. One seed: another gives other numbers." in words
    assert "On images that the program drew: photographs give other numbers." in words
    name = "acgan-faces-Smiling-Male-report2019-generation-0"
    assert f"sparring sample runs/{name}/model --out samples.png" in words


def test_a_generator_is_placed_between_spoilt_real_images(maker: Maker) -> None:
    import msgspec

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
