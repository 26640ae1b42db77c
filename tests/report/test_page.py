import base64
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sparring.metrics.statistics import summarise
from sparring.report import build
from sparring.report.collect import collect
from sparring.report.groups import adaptations
from sparring.report.page import duration, flow, gap, joined, lead, moment, spread
from sparring.report2019.published import TABLES


class Outline(HTMLParser):
    """Collects tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def headings(page: str) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", page)


def figures(page: str) -> set[str]:
    return set(re.findall('<figure id="(.*?)">', page))


@pytest.fixture(scope="module")
def page(built: Path) -> str:
    return (built / "report.html").read_text()


def test_nothing_comes_from_elsewhere(page: str) -> None:
    outline = Outline(page)
    links = [v for _, a in outline.tags for k, v in a.items() if k in ("src", "href")]
    assert len(links) > 30
    assert all(v and v.startswith(("data:image/png;base64,", "#")) for v in links)
    assert {"script", "link", "iframe"}.isdisjoint(tag for tag, _ in outline.tags)
    assert not re.search(r"https?://|@import|url\(", page)
    assert len(page) < 8_000_000


def test_every_anchor_leads_somewhere(page: str) -> None:
    tags = Outline(page).tags
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    wanted = {str(a["href"])[1:] for tag, a in tags if tag == "a"}
    assert len(wanted) == 8
    assert wanted <= set(ids)


def test_images_are_the_figures_and_have_alternatives(page: str, built: Path) -> None:
    images = [a for tag, a in Outline(page).tags if tag == "img"]
    assert len(images) == len(list((built / "figures").iterdir())) == 31
    assert all(image["alt"] for image in images)
    data = base64.b64decode(str(images[0]["src"]).split(",")[1])
    assert Image.open(io.BytesIO(data)).size[0] > 1000


def test_the_tables_have_our_numbers_beside_those_of_2019(page: str) -> None:
    words = Outline(page).text
    table = words[words.index("Table 1. DANN") : words.index("Table 2. DSN")]
    assert "source only (lower bound) 40.0 42.27 50.0 50.29" in table
    assert "(adapted) 50.0 47.95 80.0 68.83" in table
    assert "share of the gap closed, % 25.0 11.3 75.0 39.2" in table
    assert "2019: mnist-m → svhn" in table
    assert "meter-digits is not SVHN" in table


def test_every_stand_in_carries_its_badge(page: str) -> None:
    for caption in re.findall(r"<figcaption>.*?</figcaption>", page, re.DOTALL):
        assert ("stand-in for celeba" in caption) == ("toy-faces" in caption)
        assert ("not svhn" in caption) == ("meter-digits" in caption)
    cells = re.findall(r'<span class="set">meter-digits</span>(.{0,40})', page)
    assert len(cells) > 20
    assert all('class="badge other"' in cell for cell in cells)


def test_what_users_wrote_is_escaped(page: str) -> None:
    assert "--out &lt;here&gt;" in page
    assert "Example CPU &lt;8 cores&gt;" in page
    assert "<here>" not in page


def test_observations_are_computed(page: str) -> None:
    words = Outline(page).text
    assert "The generator's loss rises from 1.28 in the first tenth of training to 3.12" in words
    assert "Adaptation changes target accuracy by +10.0 points, 25.0% of the way" in words
    assert "Mixing of the domains goes from 0.10 to 0.40." in words
    assert "10% of class 3 read as 5" in words


def test_missing_runs_are_named_and_shown_as_not_run(
    reproduce: Callable[..., Any], tmp_path: Path
) -> None:
    maker = reproduce(tmp_path)
    maker.planned[:] = ["dcgan-0", "acgan-Smiling-0", "dsn-mnist-m-meter-digits-adapted-0"]
    maker.plan()
    (tmp_path / "runs" / "acgan-Smiling-0" / "scores.json").unlink()
    page = build(tmp_path).read_text()
    words = Outline(page).text
    assert "2 of 3 finished" in words
    assert "acgan-Smiling-0 not finished" in words
    assert "3 ACGAN Not run yet." in words
    assert "4 DSN Table 1." in words
    assert '<section id="dann">' not in page
    assert "(adapted) 55.0 52.59" in words
    assert "source only (lower bound) not run 35.47" in words


def test_a_plan_without_any_run_still_has_a_page(tmp_path: Path, reproduce: Any) -> None:
    maker = reproduce(tmp_path, seeds=())
    maker.planned[:] = ["dcgan-0"]
    maker.plan()
    page = build(tmp_path).read_text()
    words = Outline(page).text
    assert "0 of 1 finished" in words
    assert "1 Data Not run yet." not in words
    assert "2 DCGAN Not run yet." in words
    assert len(headings(page)) == 4


def test_a_run_without_arrays_or_log_says_so(reproduce: Any, tmp_path: Path) -> None:
    maker = reproduce(tmp_path)
    maker.planned[:] = ["dcgan-0", "dann-mnist-m-meter-digits-adapted-0"]
    maker.plan()
    for name in ("samples.npz", "features.npz", "log.jsonl", "architecture.json"):
        for path in tmp_path.glob(f"runs/*/{name}"):
            path.unlink()
    words = Outline(build(tmp_path).read_text()).text
    assert "this figure needs a run that is not finished" in words
    assert "the architecture is read from a finished run" in words


def test_several_seeds_show_mean_sd_and_n(reproduce: Any, tmp_path: Path) -> None:
    maker = reproduce(tmp_path, seeds=(0, 1))
    maker.planned[:] = [n for n in maker.planned if n.startswith("dann-mnist-m")]
    maker.plan()
    words = Outline(build(tmp_path).read_text()).text
    assert "source only (lower bound) 40.5 ± 0.7 (n = 2) 42.27" in words
    assert "Seed 0, the first of 2." in words


def test_no_gap_is_not_the_same_as_not_run(built: Path) -> None:
    runs = [run for run in collect(built).runs if run.method == "dann"]
    (group, _) = adaptations(runs)
    assert gap(group) == "25.0"
    group.of("target-only")[0].scores["accuracy"] = 0.3
    assert gap(group) == "no gap"
    assert gap(adaptations(runs[:2])[0]) == "not run"


def test_spread() -> None:
    assert spread(summarise([])) == "not run"
    assert spread(summarise([0.591])) == "59.1"
    assert spread(summarise([0.5, 0.6])) == "55.0 ± 7.1 (n = 2)"


@pytest.mark.parametrize(("seconds", "text"), [(12, "12 s"), (150, "2.5 min"), (5400, "1.5 h")])
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_flow_joins_layers_of_one_output_shape() -> None:
    kinds = [("Conv2d", [64, 8, 8]), ("ReLU", [64, 8, 8]), ("Conv2d", [64, 8, 8]), ("Linear", [10])]
    layers = [{"kind": kind, "output": shape} for kind, shape in kinds]
    assert flow(layers) == [([64, 8, 8], "2 Conv2d, ReLU"), ([10], "Linear")]


def test_the_numbers_of_2019() -> None:
    printed = TABLES["dsn", "svhn", "mnist-m"]
    assert [printed.of(s) for s in ("source-only", "adapted", "target-only")] == [
        0.4809,
        0.7169,
        0.976,
    ]
    assert printed.gap_closed == pytest.approx(0.4767, abs=1e-4)


def test_sections_and_numbers_follow_from_the_plan(page: str) -> None:
    assert headings(page) == [
        "1 Data",
        "2 DCGAN",
        "3 ACGAN",
        "4 DANN",
        "5 DSN",
        "6 DANN and DSN compared",
        "7 Observations of the source report",
        "8 Settings and environment",
    ]


def test_other_methods_come_after_those_of_the_report_by_name(training: Any) -> None:
    training.adaptation("mcd", "mnist-m", "meter-digits", 0)
    training.generator("began", [], 0)
    training.adaptation("dann", "mnist-m", "meter-digits", 0)
    training.plan()
    page = build(training.out).read_text()
    names = ["1 Data", "2 DANN", "3 BEGAN", "4 MCD", "5 Settings and environment"]
    assert headings(page) == names
    words = Outline(page).text
    assert "Table 1. DANN" in words
    assert "Table 2. MCD" in words
    # All three scenarios of two methods: the bars have their place, after the last table.
    assert page.index('id="mcd"') < page.index('id="accuracy"') < page.index('id="settings"')


def test_a_training_of_an_unknown_generator(training: Any) -> None:
    training.generator("wgan", [], 0, opponent="critic")
    training.plan()
    page = build(training.out).read_text()
    assert headings(page) == ["1 Data", "2 WGAN", "3 Settings and environment"]
    words = Outline(page).text
    assert "sparring · a training WGAN on toy-faces Every number" in words
    assert "Generator red, critic blue. Thin" in words
    assert "The critic's loss falls from 1.96" in words
    assert {"samples-wgan", "losses-wgan", "progress-wgan"} == figures(page)
    assert not re.search("2019|source report|reproduc|discriminator", words)


def test_a_training_of_an_unknown_labelled_generator_on_any_label(training: Any) -> None:
    training.generator("cgan", ["Young"], 0)
    training.plan()
    page = build(training.out).read_text()
    named = {f"{what}-cgan-Young" for what in ("pairs", "samples", "losses", "progress")}
    assert figures(page) == named
    assert "Other attribute sets" not in page


def test_a_training_of_an_unknown_adaptation(training: Any) -> None:
    training.adaptation("mcd", "mnist-m", "meter-digits", 0, ("adapted",))
    training.plan()
    page = build(training.out).read_text()
    assert headings(page) == ["1 Data", "2 MCD", "3 Settings and environment"]
    words = Outline(page).text
    assert "sparring · a training MCD on mnist-m → meter-digits" in words
    assert "source + unlabelled target (adapted) 60.0 target only (upper bound) not run" in words
    assert figures(page) == {"tsne-mcd-mnist-m-meter-digits", "losses-mcd-mnist-m-meter-digits"}
    assert not re.search("2019|source report|reproduc", words)


def test_a_training_of_a_bound_shows_its_losses_and_asks_for_no_more(training: Any) -> None:
    training.adaptation("dann", "mnist-m", "meter-digits", 0, ("target-only",))
    training.plan()
    page = build(training.out).read_text()
    assert figures(page) == {"losses-dann-mnist-m-meter-digits"}
    assert "parts of the loss, target only, mnist-m" in page
    assert "this figure needs" not in page
    # The report's own method, but not on the report's data: nothing printed stands beside it.
    assert "2019" not in Outline(page).text


def test_a_training_that_was_stopped_has_its_section(training: Any) -> None:
    path = training.generator("wgan", [], 0)
    (path / "scores.json").unlink()
    training.plan()
    page = build(training.out).read_text()
    assert headings(page) == ["1 Data", "2 WGAN", "3 Settings and environment"]
    assert "2 WGAN Not run yet." in Outline(page).text


def test_a_section_says_what_its_method_is(training: Any) -> None:
    training.about = {"about": "WGAN: a critic & no judge.\n\nFirst\nlines.\n\nMore."}
    training.generator("wgan", [], 0)
    training.plan()
    page = build(training.out).read_text()
    lines = '<p class="lead">WGAN: a critic &amp; no judge.</p><p>First lines.</p><p>More.</p>'
    assert f"<h2>2 WGAN</h2>\n{lines}" in page
    assert "<dt>about" not in page


def test_the_start_is_told_to_the_minute(page: str) -> None:
    assert "Started 2026-01-02 03:04 UTC" in Outline(page).text
    assert moment("2026-11-24T01:37:51+02:00") == "2026-11-23 23:37 UTC"


def test_the_mixing_number_stands_beside_the_embedding(page: str) -> None:
    figure = page[page.index('<figure id="tsne-dann-mnist-m-meter-digits">') :]
    assert "Mixing of the domains: 0.40." in figure[: figure.index("</figure>")]


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (["dcgan"], "DCGAN draws faces. Every"),
        (["acgan", "dcgan", "dsn"], "DCGAN and ACGAN draw faces; DSN carries a digit"),
        (["dann", "dsn"], "DANN and DSN carry a digit classifier"),
    ],
)
def test_the_lead_names_what_is_planned(
    methods: list[str], words: str, reproduce: Any, tmp_path: Path
) -> None:
    maker = reproduce(tmp_path, seeds=())
    maker.planned[:] = [f"{method}-0" for method in methods]
    maker.plan()
    assert lead(collect(tmp_path)).startswith(words)


@pytest.mark.parametrize(
    ("words", "text"),
    [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (list("ABC"), "A, B and C")],
)
def test_joined(words: list[str], text: str) -> None:
    assert joined(words) == text
