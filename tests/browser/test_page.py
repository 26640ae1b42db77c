"""What is pointed at, moved and reached on the page, in a real browser; skipped without one."""

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sparring.report.live import RIGHT_WRONG, SURE
from sparring.report.page import build
from sparring.report.plots import CLASSES, DOMAINS, PALE
from sparring.runs.folder import Run
from tests.report.maker import DIGITS, SCENARIOS, Maker, happened

api = pytest.importorskip("playwright.sync_api")
EDGE = 12  # pixels between the outermost dots and the edge of a map, in map.js
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


@dataclass
class Opened:
    """A page in the browser, and what it complained of or asked for."""

    page: "api.Page"
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder with its page: two attributes, and a classifier before and after."""
    maker = Maker(tmp_path_factory.mktemp("browser"))
    happened(maker.generator("acgan", ("Smiling", "Male")))
    for scenario in ("source-only", "adapted"):
        maker.classifier("dann", scenario)
    build(maker.plan())
    return maker.out


def load(browser: "api.Browser", out: Path, **context: Any) -> Opened:
    """The page in a fresh window."""
    found = Opened(browser.new_context(**context).new_page())
    found.page.on("console", lambda message: found.complaints.append(message.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.requests.append(request.url))
    found.page.goto((out / "report.html").as_uri())
    return found


@pytest.fixture(scope="module")
def opened(browser: "api.Browser", out: Path) -> Opened:
    """The page, as all tests of a file use it."""
    return load(browser, out, viewport={"width": 1000, "height": 900})


def run(out: Path, part: str) -> Run:
    (path,) = (path for path in (out / "runs").iterdir() if part in path.name)
    return Run(path)


def picture(locator: "api.Locator", size: tuple[int, int]) -> Pixels:
    """What an element looks like, float [H, W, 3] in `size` (width, height)."""
    image = Image.open(io.BytesIO(locator.screenshot())).convert("RGB")
    return np.asarray(image.resize(size, Image.Resampling.BOX), float)


def nearest(seen: Pixels, images: Pixels) -> int:
    """Which of uint8 [N, 3, H, W] looks most like `seen`."""
    apart = np.abs(images.astype(float).transpose(0, 2, 3, 1) - seen).mean((1, 2, 3))
    return int(apart.argmin())


def lonely(points: Pixels) -> int:
    """The point that lies furthest from all others."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return int(apart.min(1).argmax())


def place(canvas: "api.Locator", points: Pixels, i: int) -> dict[str, float]:
    """Where point i must be drawn: the map fills its canvas, upwards as in the figure."""
    box = canvas.bounding_box()
    assert box is not None
    middle = (points.max(0) + points.min(0)) / 2
    x, y = map(float, (points[i] - middle) / np.ptp(points, axis=0).max())
    side = box["width"] - 2 - 2 * EDGE  # less its border
    return {"x": 1 + EDGE + (0.5 + x) * side, "y": 1 + EDGE + (0.5 - y) * side}


def ringed(canvas: "api.Locator", points: Pixels, i: int) -> bool:
    """Whether a black ring is around point i; read from the canvas, over which a card may lie."""
    side, at = canvas.evaluate("canvas => canvas.clientWidth"), place(canvas, points, i)
    radius = 5 + min(4, max(1.8, 0.12 * side / len(points) ** 0.5))  # as in map.js
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    x = at["x"] - 1 + radius * np.cos(angles)
    y = at["y"] - 1 + radius * np.sin(angles)
    read = """(canvas, spots) => {
      const copy = document.createElement("canvas"), pen = copy.getContext("2d");
      [copy.width, copy.height] = [canvas.width, canvas.height];
      pen.fillStyle = "white";
      pen.fillRect(0, 0, copy.width, copy.height);
      pen.drawImage(canvas, 0, 0);
      const all = pen.getImageData(0, 0, copy.width, copy.height).data;
      return spots.map(([x, y]) => all[4 * (Math.floor(y) * copy.width + Math.floor(x))]);
    }"""  # red, of each spot
    return max(canvas.evaluate(read, np.stack([x, y], 1).tolist())) < 100


@pytest.mark.parametrize(("side", "scenario"), [*enumerate(SCENARIOS[:2])])
def test_the_pointer_shows_the_image_and_what_was_said(
    opened: Opened, out: Path, side: int, scenario: str
) -> None:
    arrays = run(out, f"dann-here-there-report2019-{scenario}").arrays("features")
    i = lonely(arrays["points"])
    canvas = opened.page.locator(".map canvas[tabindex]").nth(side)
    canvas.scroll_into_view_if_needed()
    canvas.hover(position=place(canvas, arrays["points"], i))  # type: ignore[arg-type]
    card = opened.page.locator(".map .card")
    sure = round(100 * float(arrays["confidence"][i]))
    name, domain = DIGITS[arrays["label"][i]], arrays["domain"][i]
    assert card.locator("output span").all_inner_texts() == [
        f"Label: {name}",
        f"source only: {name}, {sure} % sure",
        f"adapted: {name}, {sure} % sure",
        f"{('source', 'target')[domain]}: {('here', 'there')[domain]}",
    ]
    seen = picture(card.locator("canvas"), (24, 24))
    assert nearest(seen, arrays["thumbnails"]) == i
    # It is ringed on both maps, wherever it lies on the other.
    other = run(out, f"dann-here-there-report2019-{SCENARIOS[1 - side]}").arrays("features")
    maps = [
        (canvas, arrays["points"]),
        (opened.page.locator(".map canvas[tabindex]").nth(1 - side), other["points"]),
    ]
    assert [ringed(*one, i) for one in maps] == [True, True]
    opened.page.mouse.move(5, 5)
    assert card.is_hidden()
    assert [ringed(*one, i) for one in maps] == [False, False]


def test_an_image_whose_label_nobody_knows_is_said_to_be_that(
    browser: "api.Browser", tmp_path: Path
) -> None:
    maker = Maker(tmp_path / "out")
    arrays = maker.classifier("dann", labelled=False).arrays("features")
    build(maker.plan())
    page = load(browser, maker.out, viewport={"width": 1000, "height": 900}).page
    i = len(arrays["points"]) // 2 + lonely(arrays["points"][arrays["domain"] == 1])
    canvas = page.locator(".map canvas[tabindex]")
    canvas.scroll_into_view_if_needed()
    canvas.hover(position=place(canvas, arrays["points"], i))  # type: ignore[arg-type]
    first, *_, last = page.locator(".map .card output span").all_inner_texts()
    assert (first, last) == ("Label: not known", "target: there")
    assert page.locator(".key li").all_inner_texts() == [*DIGITS, "not known"]
    page.context.close()


def test_colours_and_forms_are_those_of_what_they_stand_for(opened: Opened) -> None:
    """Also beyond ten classes, of which the page that is opened has no more."""
    colours = {"class": CLASSES, "domain": DOMAINS, "right": RIGHT_WRONG, "pale": PALE}
    data = {
        "classes": [str(k) for k in range(40)],
        "domains": ["source", "target"],
        "colours": colours,
        "sure": list(SURE.items()),
    }
    points = {
        "label": [0, 3, 13, 65535],
        "predicted": [0, 4, 13, 2],
        "domain": [0, 1, 0, 1],
        "confidence": [0, 32768, 65535, 26000],  # 0, a half, 1, and not quite 0.4
    }
    found = opened.page.evaluate(
        """([data, points]) => Object.fromEntries(Object.entries(colourings(data, true)).map(
            ([name, kind]) => [name, points.label.map((_, i) => kind.of(points, i))]))""",
        [data, points],
    )
    right, wrong = RIGHT_WRONG
    assert found == {
        "class": [[CLASSES[0], 0], [CLASSES[3], 0], [CLASSES[3], 1], [PALE, 0]],
        "predicted": [[CLASSES[0], 0], [CLASSES[4], 0], [CLASSES[3], 1], [CLASSES[2], 0]],
        "domain": [[DOMAINS[k], 0] for k in (0, 1, 0, 1)],
        "right": [[right, 0], [wrong, 0], [right, 0], [PALE, 0]],
        "confidence": [[SURE[level], 0] for level in (0.0, 0.4, 0.95, 0.0)],
    }
    # What each looks like, drawn as in the key: no two of forty classes are alike.
    drawn = opened.page.evaluate(
        """(data) => {
          const list = document.createElement("ul");
          legend(list, colourings(data, false).class.key);
          return [...list.querySelectorAll("canvas")].map((one) => one.toDataURL());
        }""",
        data,
    )
    assert len(drawn) == len(set(drawn)) == 40


def test_a_click_colours_by_something_else(opened: Opened, out: Path) -> None:
    arrays = run(out, "source-only").arrays("features")
    canvas = opened.page.locator(".map canvas[tabindex]").first
    i = lonely(arrays["points"])
    at = place(canvas, arrays["points"], i)
    seen = {}
    for name in ("class", "prediction", "domain", "right or wrong", "confidence"):
        opened.page.get_by_label(name, exact=True).check()
        key = opened.page.locator(".key li").all_inner_texts()
        image = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"), float)
        seen[name] = key, image[round(at["y"]), round(at["x"])]
    assert seen["class"][0] == seen["prediction"][0] == list(DIGITS)
    assert seen["domain"][0] == ["source: here", "target: there"]
    assert seen["right or wrong"][0] == ["right", "wrong"]
    assert len(seen["confidence"][0]) == 5
    white = 255 * 0.2  # dots let a fifth of the paper through
    right, first = np.array([0x00, 0x72, 0xB2]), np.array([0x00, 0x72, 0xB2])
    second = np.array([0xE6, 0x9F, 0x00])
    assert seen["right or wrong"][1] == pytest.approx(0.8 * right + white, abs=3)
    domain = (first, second)[arrays["domain"][i]]
    assert seen["domain"][1] == pytest.approx(0.8 * domain + white, abs=3)
    opened.page.get_by_label("class", exact=True).check()


@pytest.mark.parametrize("name", ["Smiling", "Male", "Noise", "Training"])
def test_a_slider_moves_to_its_frame(opened: Opened, out: Path, name: str) -> None:
    arrays = run(out, "acgan").arrays("pictures")
    frames, words = {
        "Smiling": (arrays["growing"][0], [f"{k} %" for k in (0, 17, 33, 50, 67, 83, 100)]),
        "Male": (arrays["growing"][1], [f"{k} %" for k in (0, 17, 33, 50, 67, 83, 100)]),
        "Noise": (arrays["walk"], [f"{k} %" for k in (0, 12, 25, 38, 50, 62, 75, 88, 100)]),
        "Training": (arrays["progress"], [f"step {k}" for k in (0, 200, 400, 600)]),
    }[name]
    # Images of 32 pixels, four in a row.
    sheets = frames.reshape(len(frames), -1, 4, 3, 32, 32).transpose(0, 3, 1, 4, 2, 5)
    sheets = sheets.reshape(len(frames), 3, -1, 128)
    box = opened.page.locator(".frames", has=opened.page.get_by_label(name))
    slider = box.locator("input")
    slider.scroll_into_view_if_needed()
    first = len(words) - 1 if name == "Training" else 0  # an untrained generator draws grey
    assert slider.input_value() == str(first)
    assert box.locator("output").inner_text() == words[first]
    for k in (0, 2, len(frames) - 1):
        slider.fill(str(k))
        assert box.locator("output").inner_text() == words[k]
        assert slider.get_attribute("aria-valuetext") == words[k]
        assert nearest(picture(box.locator("img"), (128, sheets.shape[2])), sheets) == k


def curves(opened: Opened, key: str) -> tuple["api.Locator", dict[str, Any]]:
    """The picture of curves whose key begins so, and what its script was given."""
    plot = opened.page.locator(f"figure[id^={key}] .plot")
    plot.scroll_into_view_if_needed()
    return plot, json.loads(plot.locator("script").text_content() or "")


def test_the_pointer_on_curves_tells_what_was_logged_there(opened: Opened, out: Path) -> None:
    plot, data = curves(opened, "losses-acgan")
    rows = run(out, "acgan").rows()
    box = plot.locator("img").bounding_box()
    assert box is not None
    for k, event in ((0, ""), (29, ": alarm"), (59, "")):
        # Less the picture's border and padding.
        x = box["x"] + 11 + data["x"][k] * (box["width"] - 22)
        opened.page.mouse.move(x, box["y"] + box["height"] / 2)
        losses = {name: f"{value:.4g}" for name, value in rows[k].losses.items()}
        assert plot.locator(".told > *").all_inner_texts() == [
            f"step {rows[k].step}{event}",
            *(f"{name} {value}" for name, value in losses.items()),
        ]
        line = plot.locator(".over i").bounding_box()
        assert line is not None
        assert line["x"] == pytest.approx(x, abs=1)
        assert box["y"] < line["y"] < line["y"] + line["height"] < box["y"] + box["height"]
    opened.page.mouse.move(5, 5)
    assert plot.locator(".told").inner_text().startswith("Point at the curves")
    assert plot.locator(".over i").is_hidden()


def test_curves_are_walked_by_keys(opened: Opened) -> None:
    plot, data = curves(opened, "losses-dann")
    over, first = plot.locator(".over"), plot.locator(".told > *").first
    opened.page.keyboard.press("Tab")  # from here on the keyboard is what is used
    over.focus()
    steps = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End", "ArrowRight"):
        over.press(key)
        steps.append(first.inner_text())
        assert over.get_attribute("aria-valuetext") == ", ".join(
            plot.locator(".told > *").all_inner_texts()
        )
    assert steps == [f"step {data['step'][k]}" for k in (0, 1, 2, 1, 59, 59)]
    assert over.get_attribute("aria-valuenow") == str(data["step"][59])
    over.press("Escape")
    assert plot.locator(".over i").is_hidden()


def test_cells_of_the_confusion_matrices_show_their_images(opened: Opened, out: Path) -> None:
    page = opened.page
    page.locator("summary", has_text="Confusions").click()
    tables, strips = page.locator(".cells table"), page.locator(".cells .thumbs")
    tables.first.locator("tbody tr").nth(2).locator("td").nth(2).hover()
    assert strips.nth(1).locator("b").inner_text() == "two read as two: 90"
    tables.nth(1).locator("tbody tr").nth(3).locator("td").nth(5).click()
    tables.first.locator("tbody tr").nth(2).locator("td").nth(2).hover()  # what is clicked stays
    for side, scenario in enumerate(SCENARIOS[:2]):
        arrays = run(out, f"dann-here-there-report2019-{scenario}").arrays("outputs")
        strip = strips.nth(side)
        assert strip.locator("b").inner_text() == "three read as five: 10, the surest 2"
        assert strip.locator("figcaption").all_inner_texts() == ["90 %", "70 %"]
        for place, image in enumerate((0, 2)):
            seen = picture(strip.locator("canvas").nth(place), (24, 24))
            assert nearest(seen, arrays["cell_thumbnails"]) == image
        assert tables.nth(side).locator(".chosen").inner_text() == "10"
    # By keys from the first cell, which is the one stop of its table.
    assert tables.first.locator("[tabindex='0']").count() == 1
    tables.first.locator("[tabindex='0']").focus()
    for key in ("End", *["ArrowDown"] * 7, *["ArrowLeft"] * 8):
        page.keyboard.press(key)
    assert page.locator(":focus").inner_text() == "4"
    assert strips.first.locator("b").inner_text() == "seven read as one: 4, the surest 1"
    page.keyboard.press("ArrowRight")
    assert strips.first.locator("b").inner_text() == "seven read as two: 0"
    assert strips.first.locator("canvas").count() == 0
    page.locator("summary", has_text="Confusions").click()


def test_the_keyboard_alone_reaches_everything(opened: Opened) -> None:
    page = opened.page
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.outerHTML.slice(0, 60)"))
        ring = "getComputedStyle(document.activeElement).outlineStyle"
        assert "body" in reached[-1] or page.evaluate(ring) != "none"
    assert sum('type="range"' in one for one in reached) >= 4
    assert sum('role="slider"' in one for one in reached) >= 3
    assert sum('type="radio"' in one for one in reached) >= 1
    assert sum(one.startswith("<canvas") for one in reached) >= 2
    canvas, card = page.locator(".map canvas[tabindex]").first, page.locator(".map .card")
    canvas.focus()
    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        walked.append(card.get_attribute("style"))
    assert walked[1] != walked[2] != walked[3] != walked[4]
    page.keyboard.press("Escape")
    assert card.is_hidden()


@pytest.mark.parametrize("width", [390, 820, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_is_accessible(
    browser: "api.Browser", out: Path, width: int, scheme: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = load(browser, out, viewport={"width": width, "height": 900}, color_scheme=scheme)
    paper, ink = {
        "light": ("rgb(251, 251, 252)", "rgb(28, 35, 48)"),
        "dark": ("rgb(20, 24, 30)", "rgb(228, 232, 238)"),
    }[scheme]
    style = "(({backgroundColor, color}) => [backgroundColor, color])(getComputedStyle(%s))"
    assert found.page.evaluate(style % "document.body") == [paper, ink]
    assert found.page.evaluate("document.documentElement.scrollWidth") == width
    found.page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    wider = "(one) => one.offsetWidth - one.closest('.scroll').clientWidth"
    boxes = f"[...document.querySelectorAll('.scroll caption')].map({wider})"
    if width == 390:  # a table may be wider than a phone; what it is called is read there
        assert max(found.page.evaluate(boxes)) == 0
    found.page.locator(".cells td.n").first.hover()
    broken = axe.run(found.page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in broken] == []
    assert found.complaints == []
    found.page.context.close()


def test_without_scripts_and_on_paper_the_figures_stand(browser: "api.Browser", out: Path) -> None:
    bare = load(browser, out, java_script_enabled=False).page
    paper = load(browser, out).page
    assert paper.locator(".map").is_visible()
    assert paper.locator("figure[id^=tsne-dann]").is_hidden()
    paper.emulate_media(media="print", color_scheme="dark")
    ink = "getComputedStyle(document.body).color"
    assert paper.evaluate(ink) == bare.evaluate(ink) == "rgb(28, 35, 48)"  # paper is white
    assert bare.locator("nav").is_visible()
    assert paper.locator("nav").is_hidden()  # nobody clicks on paper
    for whole in ("figure", "tr"):
        breaks = f"getComputedStyle(document.querySelector('{whole}')).breakInside"
        assert paper.evaluate(breaks) == "avoid"
    for page in (bare, paper):
        assert page.locator(".live:visible").count() == 0
        assert page.locator("figure[id^=tsne-dann]").is_visible()
        assert page.locator("figure[id^=progress-acgan]").is_visible()
        assert page.locator("figure[id^=losses-acgan] img").is_visible()
        page.context.close()


def test_nothing_is_asked_for_and_nothing_is_allowed(opened: Opened) -> None:
    """The last test of the page that the others used."""
    assert opened.complaints == []
    assert [url for url in opened.requests if not url.startswith(("file:", "data:"))] == []
    refused = opened.page.evaluate(
        """async () => {
          const told = new Promise((done) =>
            document.addEventListener("securitypolicyviolation", (e) => done(e.blockedURI)));
          const image = new Image(), failed = new Promise((done) => { image.onerror = done; });
          image.src = "http://127.0.0.1:9/x.png";
          await failed; // refused by the policy, or asked for in vain
          return Promise.race([told, new Promise((done) => setTimeout(done, 500, "asked for"))]);
        }"""
    )
    assert refused == "http://127.0.0.1:9/x.png"
