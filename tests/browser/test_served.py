"""The served page renews itself, in a real browser; skipped without one."""

from pathlib import Path

import pytest

from sparring.report.page import build
from sparring.report.watched import Watched
from tests.report.maker import Maker
from tests.report.under_way import drew, finish, generator, serving, stopped_at

api = pytest.importorskip("playwright.sync_api")
AFTER = 2100  # milliseconds, a little more than in served.js


def test_what_is_under_way_is_accessible(browser: "api.Browser", tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    run = generator(tmp_path / "out")
    drew(run, 100, 90)
    page = browser.new_context(viewport={"width": 390, "height": 900}).new_page()
    with serving(Watched(tmp_path / "out", build, tmp_path)) as url:
        page.goto(url)
        assert page.locator("#now polyline").count() == 5
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        broken = axe.run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in broken] == []
    page.context.close()


def test_what_is_under_way_is_renewed_and_the_page_when_a_run_ends(
    browser: "api.Browser", tmp_path: Path
) -> None:
    maker = Maker(tmp_path / "out")
    run = maker.generator("dcgan")
    rows = (run.path / "log.jsonl").read_text().splitlines(keepends=True)
    run = stopped_at(run, 20)
    maker.plan()
    drew(run, 100, 90)
    page, complaints, asked = browser.new_context().new_page(), list[str](), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    now = page.locator("#now")
    with serving(Watched(maker.out, build, tmp_path)) as url:
        page.goto(url)
        assert "Step 200 of 600" in now.inner_text()
        assert now.locator("img").evaluate("image => image.naturalWidth") == 128
        stroke = "line => getComputedStyle(line).stroke"
        assert now.locator("polyline").first.evaluate(stroke) == "rgb(31, 95, 191)"
        page.evaluate("window.opened = true")
        with (run.path / "log.jsonl").open("a") as log:
            log.writelines(rows[20:30])
        page.clock.run_for(AFTER)
        api.expect(now).to_contain_text("Step 300 of 600")
        assert page.evaluate("window.opened")  # not loaded again: what a reader moved stays
        finish(run)
        page.clock.run_for(AFTER)
        api.expect(page.locator("header")).to_contain_text("1 of 1 finished", timeout=30_000)
        assert not page.evaluate("window.opened")
        assert "1 of 1 runs finished" in now.inner_text()
        assert complaints == []
        assert {one for one in asked if not one.startswith("data:")} == {url, f"{url}now"}
    page.clock.run_for(AFTER)
    api.expect(now).to_contain_text("Nobody serves this page any more")
    page.context.close()
