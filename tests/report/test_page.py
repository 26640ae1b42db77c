import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import Markup
from matplotlib.figure import Figure
from msgspec import structs
from PIL import Image

from sparring.report.collect import collect
from sparring.report.figures import Drawing, Marks, save
from sparring.report.groups import generations
from sparring.report.page import Section, build, embed, environment, flow
from sparring.report.picture import Picture
from sparring.report.templates import policy_hash
from sparring.runs.records import Layer, Use
from tests.report.conftest import text
from tests.report.maker import SCENARIOS, Maker, compare


class Outline(HTMLParser):
    """Collects tags with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def headings(page: str) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", page)


def figures(page: str) -> set[str]:
    return {key.partition(",")[0] for key in re.findall('<figure id="(.*?)">', page)}


def test_nothing_comes_from_elsewhere(page: str) -> None:
    outline = Outline(page)
    links = [v for _, a in outline.tags for k, v in a.items() if k in ("src", "href")]
    assert len(links) > 30
    assert all(v and v.startswith(("data:image/", "#")) for v in links)
    assert {"link", "iframe"}.isdisjoint(tag for tag, _ in outline.tags)
    assert not any("src" in a for tag, a in outline.tags if tag == "script")
    assert not re.search(r"https?://|@import|url\(", page)


def test_the_policy_allows_the_pages_own_style_and_script_alone(page: str) -> None:
    (policy,) = (
        str(a["content"])
        for tag, a in Outline(page).tags
        if tag == "meta" and a.get("http-equiv") == "Content-Security-Policy"
    )
    (style,) = re.findall("<style>(.*?)</style>", page, re.DOTALL)
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    assert dict(rule.split(" ", 1) for rule in policy.split("; ")) == {
        "default-src": "'none'",
        "style-src": f"'{policy_hash(style)}'",
        "script-src": f"'{policy_hash(script)}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_a_phone_and_a_dark_room_are_told_of(page: str) -> None:
    metas = [a for tag, a in Outline(page).tags if tag == "meta"]
    found = {a["name"]: a["content"] for a in metas if "name" in a}
    assert found["viewport"] == "width=device-width, initial-scale=1"
    assert found["color-scheme"] == "light dark"  # else its controls and bars stay white


def test_every_anchor_leads_somewhere(page: str) -> None:
    tags = Outline(page).tags
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = {str(a["href"])[1:] for tag, a in tags if tag == "a"}
    assert len(wanted) == 8
    assert wanted <= set(ids)


def test_images_are_the_figures_and_have_alternatives(page: str, built: Path) -> None:
    images = [a for tag, a in Outline(page).tags if tag == "img" and a.get("id") != "sprite"]
    assert all(image["alt"] for image in images)
    images = [a for a in images if str(a["alt"]).partition(" images from fixed noise")[1] == ""]
    assert len(images) == len(list((built / "figures").iterdir()))
    data = {str(a["alt"]): str(a["src"]).partition(",") for a in images}
    assert {start for start, _, _ in data.values()} == {"data:image/webp;base64"}
    shown = {
        name: Image.open(io.BytesIO(base64.b64decode(code))) for name, (_, _, code) in data.items()
    }
    assert shown["DCGAN: 32 random samples"].size[0] > 1000
    # Of a plot not a bit is lost.
    (file,) = [p for p in (built / "figures").iterdir() if p.name.startswith("losses-dcgan")]
    plot = np.asarray(Image.open(file).convert("RGB"))
    assert np.array_equal(np.asarray(shown["DCGAN: losses over training"].convert("RGB")), plot)
    # Which is which is told by the palette, that photographs have no use for.
    kinds = {}
    for path in (built / "figures").iterdir():
        with Image.open(path) as image:
            kinds.setdefault(path.name.partition("-")[0], set()).add(image.mode)
    photographs = ("samples", "progress", "nearest", "averaged", "pairs", "classes", "change")
    plots = ("losses", "health", "tsne", "trust", "accuracy.png")
    assert kinds == {kind: {"RGB"} for kind in (*photographs, "changed", "drawn")} | {
        kind: {"P"} for kind in plots
    }


def test_photographs_lose_a_little_and_are_a_fraction_as_large(tmp_path: Path) -> None:
    """A grid of 32 photographs: what nobody sees of it, and what it costs."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 40, 3), np.uint8)
    photo = Image.fromarray(noise).resize((1072, 536), Image.Resampling.BICUBIC)
    (tmp_path / "figures").mkdir()
    picture = Picture("photo", "", ())
    photo.save(picture.path(tmp_path))
    code = base64.b64decode(embed(tmp_path, picture).removeprefix("data:image/webp;base64,"))
    shown = np.asarray(Image.open(io.BytesIO(code)).convert("RGB"), int)
    assert np.abs(shown - np.asarray(photo, int)).mean() < 5
    assert len(code) < picture.path(tmp_path).stat().st_size / 10


def test_every_kind_of_figure_is_there(page: str) -> None:
    assert figures(page) == {
        *("samples-dcgan", "losses-dcgan", "health-dcgan", "progress-dcgan", "nearest-dcgan"),
        *("samples-acgan", "losses-acgan", "health-acgan", "progress-acgan", "nearest-acgan"),
        *("averaged-dcgan", "averaged-acgan"),
        *("pairs-acgan", "classes-acgan", "change-acgan", "accuracy"),
        *("tsne-dann", "tsne-source-only-dann", "losses-dann", "trust-dann", "changed-dann"),
        *("tsne-dsn", "tsne-source-only-dsn", "losses-dsn", "trust-dsn", "changed-dsn"),
        "drawn-dsn",
    }


def test_what_users_wrote_is_escaped(page: str) -> None:
    assert "--out &lt;here&gt;" in page
    assert "Example CPU &lt;8 cores&gt;" in page
    assert '<p class="lead">A method &amp; no more.</p><p>Second paragraph.</p>' in page
    assert "<here>" not in page


def test_sections_follow_from_the_runs(page: str) -> None:
    assert headings(page) == [
        "1 Data",
        "2 DCGAN",
        "3 ACGAN",
        "4 DANN",
        "5 DSN",
        "6 Methods compared",
        "7 Without target labels",
        "8 Settings and environment",
    ]


def test_a_machine_is_named_once_whatever_else_differs(maker: Maker) -> None:
    for seed, commit in enumerate(("abc", "def")):
        run = maker.classifier("dann", "adapted", ("here", "there"), seed=seed)
        run.write(structs.replace(run.environment, commit=commit))
    words = text(build(maker.plan()).read_text())
    assert f"Machine cpu: {run.environment.cpu} " in words
    assert "Environment 2" in words


def test_tables_have_means_intervals_and_differences(words: str) -> None:
    table = words[
        words.index("DSN: accuracy on") : words.index("DSN: t-SNE of test features, adapted")
    ]
    assert "source only (lower bound) 41.0 ± 1.0 (n = 3)" in table
    assert "share of the gap closed, % 25.0 ± 0.0 [25.0, 25.0] (n = 3)" in table
    assert "paired by seed, points +10.0* [+10.0, +10.0] (n = 3)" in table
    compared = words[words.index("6 Methods compared 7") :]
    assert "DSN less DANN +5.7 [" in compared
    # By hand: DANN adapted 50, 51 and 35 %; 10 and 10 points of a gap of 40, and -7 of 40.
    assert "DANN, report2019 45.3 ± 9.0 (n = 3) 10.8 ± 24.5 [-17.5, 25.0] (n = 3)" in compared
    assert "DSN, report2019 51.0 ± 1.0 (n = 3) 25.0 ± 0.0 [25.0, 25.0] (n = 3)" in compared


def test_before_and_after_stand_side_by_side(words: str) -> None:
    table = words[words.index("Before and after adaptation, on there") :]
    assert "mixing of the domains (1: full) 0.10 ± 0.00 0.40 ± 0.00" in table
    assert "calibration error, % 30.0 ± 0.0 30.0 ± 0.0" in table
    assert "area under the risk-coverage curve, % 25.0 ± 0.0 25.0 ± 0.0" in table
    # Estimated 45 %; true 40, 41 and 42, and 50, 51 and 35.
    assert "estimate less true accuracy, points 4.0 ± 1.0 -0.3 ± 9.0" in table


def test_observations_of_a_generator_are_computed(words: str) -> None:
    assert "The generator's loss rises from 1.28 in the first tenth of training to 3.12" in words
    assert "Both losses stay near their final level after 80% of training." in words
    assert "Diversity 0.93: how much the samples differ" in words
    assert "Smiling 250 60.0 [55.0, 65.0] 10.0 20.0 10.0 12.5 31.0 —" in words
    assert "Male 20.0 [15.0, 25.0] -10.0 +30.0" in words


def test_a_running_mean_stands_beside_its_generator(words: str) -> None:
    assert "diversity Fréchet distance, n = 500 KID as trained 0.930 42.0 0.010" in words
    assert "running mean 0.950 30.5 0.005" in words


def test_chance_explains_near_images_and_no_copies(maker: Maker) -> None:
    maker.generator("dcgan")
    report = collect(maker.plan())
    (group,) = generations(report.runs)
    macros: Any = environment(report, {}).get_template("generation.html.jinja").module
    found = group.scores.copies
    assert found is not None
    assert "No sign of copying (by chance about 5). The" in text(str(macros.copies(group, found)))
    found = structs.replace(found, verdict="3 of 500 images are copies", copies=3)
    assert "3 of 500 images are copies. The median" in text(str(macros.copies(group, found)))


def test_a_distance_of_few_images_says_so(words: str) -> None:
    assert "Fréchet distance (convnet), of 500 images 42.0" in words
    assert "Fréchet distance of n = 500 images is biased upwards" in words


def test_observations_of_a_classifier_are_in_the_names_of_classes(words: str) -> None:
    assert "Adaptation changes target accuracy by +4.3 points" in words
    assert "Mixing of the domains goes from 0.10 to 0.40." in words
    # 10 of 100 images; of position 3, which is called `three`.
    assert "Its most frequent mistake: 10% of class three read as five." in words
    assert "Images. zero one two" in words


def test_a_target_without_labels_gets_what_can_be_said(maker: Maker) -> None:
    twin = maker.classifier("dann", "source-only", labelled=False)
    compare(maker.classifier("dann", labelled=False), twin, rings=True)
    page = build(maker.plan()).read_text()
    words = text(page)
    assert "Accuracy: not known, the target has no labels." in words
    assert "Estimated without labels: 45.0 % right" in words
    assert "Of 400 target images it reads as: zero 55.0 %, " in words
    assert "(adapted) no labels target only (upper bound) not run" in words
    assert "Negative transfer?" in words
    assert figures(page) == {"tsne-dann", "tsne-source-only-dann", "losses-dann"}


def test_one_of_two_twins_may_be_measured_before_the_other(maker: Maker) -> None:
    unknown = {"accuracy": None, "confusion": None, "trust": None}
    maker.classifier("dann", "source-only")
    maker.classifier("dann", scores=unknown)
    page = build(maker.plan()).read_text()
    assert page.count('<table class="confusion">') == 1
    assert "Confusions on there, source only, seed 0" in text(page)


def test_missing_runs_are_named(maker: Maker) -> None:
    maker.classifier("dann")
    maker.planned.append("wgan-0")
    page = build(maker.plan()).read_text()
    words = text(page)
    assert "1 of 2 finished" in words
    assert "wgan-0 not run" in words
    assert "3 WGAN Not run yet." in words
    assert "source only (lower bound) not run" in words
    assert figures(page) == {"tsne-dann", "losses-dann", "trust-dann"}


def test_a_run_without_arrays_or_log_still_has_its_page(maker: Maker) -> None:
    maker.generator("dcgan")
    maker.classifier("dann")
    for name in ("*.safetensors", "log.jsonl", "architecture.json"):
        for path in maker.out.glob(f"runs/*/{name}"):
            path.unlink()
    page = build(maker.plan()).read_text()
    assert figures(page) == {"trust-dann"}
    assert "this figure needs a run that is finished" in page


def test_no_gap_is_not_the_same_as_not_run(maker: Maker) -> None:
    for scenario in SCENARIOS:
        maker.classifier("dann", scenario, scores={"accuracy": 0.4})
    assert "gap closed, % no gap: training on the target" in text(build(maker.plan()).read_text())


def test_the_general_page_knows_nothing_of_any_report(maker: Maker) -> None:
    maker.generator("wgan", ("Young",), preset="plain")
    maker.classifier("mcd", preset="plain", scores={"drawn": ("image", "rebuilt")})
    page = build(maker.plan()).read_text()
    # What stands there follows from what the runs left, whatever their methods are called.
    assert headings(page) == [
        *("1 Data", "2 WGAN", "3 MCD", "4 Without target labels", "5 Settings and environment")
    ]
    assert figures(page) == {
        *("samples-wgan", "losses-wgan", "health-wgan", "progress-wgan", "nearest-wgan"),
        *("averaged-wgan", "pairs-wgan", "change-wgan"),
        *("tsne-mcd", "losses-mcd", "trust-mcd", "drawn-mcd"),
    }
    assert page.count('class="live frames"') == 3  # Young, the walk, the training
    assert page.count('class="live map"') == page.count('class="cells"') == 1
    words = text(page)
    assert not re.search(
        "2019|source report|dann|dsn|dcgan|acgan|celeba|svhn", words, re.IGNORECASE
    )


def test_a_client_adds_sections_figures_results_and_marks(maker: Maker) -> None:
    for scenario in SCENARIOS:
        maker.classifier("dann", scenario)
    out = maker.plan(
        purpose="reproduction", uses=[Use(asked="svhn", used="there", kind="real", why="at hand")]
    )
    made = save(out, [Drawing("mine", Figure(), "Mine", ("there",), "My caption.")])
    (out / "mine").mkdir()
    (out / "mine" / "own.jinja").write_text(
        '{% from "common.html.jinja" import figure %}<p>{{ 0.5 | percent }}</p>{{ figure("mine") }}'
    )
    jinja = environment(collect(out), made, out / "mine")
    html = Markup(jinja.get_template("own.jinja").render())
    sections = [
        Section("mine", "My section", html, made, {"claims": [1]}),
        Section("plain", "Plain", "a < b"),
    ]
    marks = {"dann,report2019,here,there": Marks("someone", {"adapted": 0.9})}
    page = build(out, sections, lead="What it is.", marks=marks).read_text()
    assert headings(page)[-3:] == ["4 My section", "5 Plain", "6 Settings and environment"]
    words = text(page)
    assert "50.0 Mine. My caption. Data: there not svhn" in words
    assert "a < b" in words
    assert "sparring · a reproduction DANN What it is." in words
    found = json.loads((out / "results.json").read_text())
    assert found["claims"] == [1]
    assert found["figures"]["mine"] == "figures/mine.png"


def test_flow_joins_layers_of_one_output_shape() -> None:
    kinds = [("Conv2d", (64, 8)), ("ReLU", (64, 8)), ("Conv2d", (64, 8)), ("Linear", (10,))]
    layers = [
        Layer(name="", kind=kind, detail="", output=output, parameters=0) for kind, output in kinds
    ]
    assert flow(layers) == [((64, 8), "2 Conv2d, ReLU"), ((10,), "Linear")]


@pytest.mark.parametrize("labels", [(), ("Young",), tuple(f"a{k}" for k in range(12))])
def test_a_generator_on_any_labels(labels: tuple[str, ...], maker: Maker) -> None:
    maker.generator("cgan", labels)
    words = text(build(maker.plan()).read_text())
    assert ("Does it draw what it is asked for?" in words) == bool(labels)
    assert ("All 12 labels" in words) == (len(labels) == 12)
