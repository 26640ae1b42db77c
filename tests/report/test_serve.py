import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sparring.errors import RequestError
from sparring.report import page
from sparring.report.serve import LOOPBACK, listen
from sparring.report.templates import policy_hash
from sparring.report.watched import Watched, plain
from sparring.runs.folder import Run
from tests.report.conftest import text
from tests.report.maker import Maker
from tests.report.under_way import drew, finish, generator, serving, stopped_at


@dataclass
class Site:
    """A server in a thread, what it shows, and the folders that it had built."""

    watched: Watched
    port: int
    built: list[Path]

    def get(self, path: str = "/", host: str | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=20)
        connection.request("GET", path, headers={"Host": host or f"{LOOPBACK}:{self.port}"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Of an output folder `out` that is not there yet; its pages have the names of runs alone."""
    built: list[Path] = []

    def build(out: Path) -> Path:
        built.append(out)
        plan = json.loads((out / "plan.json").read_text())
        found = out / "report.html"
        known = [name for name in plan["runs"] if Run(out / "runs" / name).finished]
        policy = "default-src 'none'; style-src 'x'; script-src 'y'"
        found.write_text(f'<head><meta content="{policy}"></head><body>done: {known}</body></html>')
        return found

    (tmp_path / "room").mkdir()
    watched = Watched(tmp_path / "out", build, tmp_path / "room")
    with serving(watched) as url:
        yield Site(watched, urlsplit(url).port or 0, built)


def test_the_report_is_served_with_what_is_under_way(tmp_path: Path, site: Site) -> None:
    run = generator(tmp_path / "out")
    drew(run, 100, 50)
    status, html = site.get()
    words = text(html)
    assert status == 200
    assert "done: []" in words
    assert f"{run.name} Step 400 of 600 · 1,280 images/s · 20 s left · last row" in words
    assert "Health: well discriminator 1.35" in words
    assert "Drawn from fixed noise at step 100." in words
    assert 'alt="Images drawn at step 100"' in html
    assert f'<progress max="600" value="400" aria-label="{run.name}">' in html
    assert html.count('role="img" aria-label="hits real so far"') == 1
    assert "0 of 1 runs finished, 0 not begun." in words
    assert html.count("<polyline") == 5
    assert html.index('id="now"') < html.index("done:")
    _, now = site.get("/now")
    assert now in html or text(now) in words


def test_a_page_of_words_alone_may_ask_for_nothing() -> None:
    html = plain("a < b")
    assert text(html).endswith("sparring a < b")
    style = html.partition("<style>")[2].partition("</style>")[0]
    policy = f"default-src 'none'; style-src '{policy_hash(style)}'; script-src 'none'; "
    assert f'content="{policy}img-src data:"' in html


def test_before_anything_has_begun_the_page_says_so(site: Site) -> None:
    status, html = site.get()
    assert status == 200
    assert "Nothing has begun yet." in text(html)
    assert site.built == []


def test_a_page_is_built_again_when_a_run_has_ended_and_only_then(
    tmp_path: Path, site: Site
) -> None:
    run = generator(tmp_path / "out")
    _, before = site.get()
    site.get()
    site.get("/now")
    assert len(site.built) == 1
    finish(run)
    _, now = site.get("/now")
    assert len(site.built) == 1
    stamps = [re.search('data-page="([0-9a-f]{64})"', html) for html in (before, now)]
    assert stamps[0] is not None
    assert stamps[1] is not None
    assert stamps[0][1] != stamps[1][1]
    _, after = site.get()
    assert len(site.built) == 2
    assert f"done: ['{run.name}']" in text(after)
    assert stamps[1][1] in after


def test_nothing_is_written_where_it_watches(tmp_path: Path) -> None:
    maker = Maker(tmp_path / "out")
    maker.classifier("dann")
    stopped_at(maker.generator("dcgan"), 10)
    maker.plan()
    (maker.out / "report.html").write_text("as it was")

    def files() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in [maker.out, *maker.out.rglob("*")]}

    before = files()
    watched = Watched(maker.out, page.build, tmp_path)
    words = text(watched.page())
    assert files() == before
    assert "DANN" in words
    assert "50.0" in words  # the accuracy of the run that is finished
    assert "Step 100 of 600" in words
    assert "as it was" not in words
    assert list(tmp_path.iterdir()) == [maker.out]


def test_one_run_alone(tmp_path: Path, site: Site) -> None:
    maker = Maker(tmp_path / "out")
    one, other = maker.generator("dcgan"), maker.classifier("dann")
    maker.plan()
    site.watched.only = other.name
    _, html = site.get()
    assert one.name not in html
    assert f"done: ['{other.name}']" in text(html)
    assert "1 of 1 runs finished" in text(html)


def test_damage_is_told_on_the_page(tmp_path: Path, site: Site) -> None:
    run = generator(tmp_path / "out")
    (run.path / "log.jsonl").write_text("{\n")
    status, html = site.get()
    assert status == 200
    assert "cannot read" in text(html)
    (tmp_path / "out" / "plan.json").write_text("{")
    status, html = site.get()
    assert status == 200
    assert text(html).count("cannot read") == 2  # in place of the report, and above it


@pytest.mark.parametrize("path", ["/plan.json", "/../out/plan.json", "//etc/passwd", "/now/", "/?"])
def test_no_file_is_served(path: str, tmp_path: Path, site: Site) -> None:
    generator(tmp_path / "out")
    assert site.get(path)[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1"])
def test_a_name_that_was_pointed_here_gets_nothing(host: str, tmp_path: Path, site: Site) -> None:
    run = generator(tmp_path / "out")
    status, html = site.get("/", host)
    assert status == 403
    assert run.name not in html
    assert site.get("/", f"localhost:{site.port}")[0] == 200


def test_only_this_machine_is_listened_to() -> None:
    with listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        with pytest.raises(RequestError, match=r"--port \d+: .*in use.*; name another, or none"):
            listen(listening.getsockname()[1])
    with pytest.raises(RequestError, match=r"--port must lie in 0\.\.65535, not be 70000"):
        listen(70000)


def test_the_policy_allows_what_the_server_added_and_no_more(tmp_path: Path) -> None:
    generator(tmp_path / "out")
    html = Watched(tmp_path / "out", page.build, tmp_path).page()
    policy = re.search('Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    for kind in ("style", "script"):
        inside = re.findall(f"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        assert len(inside) == 2
        hashes = {f"'{policy_hash(one)}'" for one in inside}
        assert hashes == set(rules[f"{kind}-src"].replace("&#39;", "'").split())
    assert rules["connect-src"] == "'self'"
    assert rules["default-src"] == "'none'"
