"""The page of an output folder while others train into it.

It is the page that is saved, built from the records so far, with the trainings that are under way
above it. It is built elsewhere: nothing is written into the folder that is watched.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from msgspec import structs

from sparring.errors import RequestError
from sparring.report.now import HIGH, WIDE, under_way
from sparring.report.templates import HERE, policy_hash, templates
from sparring.runs.folder import Run, read_plan
from sparring.runs.records import Plan
from sparring.storage import write_json

STYLE = (HERE / "served.css").read_text(encoding="utf-8")
SCRIPT = (HERE / "served.js").read_text(encoding="utf-8")
MADE = ("report.html", "results.json", "figures")
"""What building a page writes."""
RECORDS = ("plan.json", "answer.json", "runs/*/scores.json", "runs/*/twin.json")
"""What a page is built anew for; of the claims' experiments in the folder too."""

_TEMPLATES = templates()


class Watched:
    """An output folder, or one run in it, as `serve.Pages`; several threads may ask.

    build: makes the page of a folder, as `page.build`. only: the name of the one run to show.
    room: a folder for what is built.
    """

    def __init__(
        self, out: Path, build: Callable[[Path], Path], room: Path, only: str | None = None
    ) -> None:
        self.out, self.build, self.room, self.only = out, build, room, only
        self._building = Lock()
        self._built = "", ""  # stamp and page

    def page(self) -> str:
        """The report so far, with what is under way."""
        stamp = self.stamp()
        with self._building:
            if self._built[0] != stamp:
                self._built = stamp, self._page()
        return served(self._built[1], self.now(), stamp)

    def now(self) -> str:
        """What is under way, as HTML."""
        found, told = [], ""
        try:
            if (self.out / "plan.json").is_file():
                runs = [Run(self.out / "runs" / name) for name in self._plan().runs]
                found = list(under_way(runs))
                waiting, done = sum(not run.begun for run in runs), sum(r.finished for r in runs)
                told = f"{done} of {len(runs)} runs finished, {waiting} not begun."
        except RequestError as error:
            told = str(error)
        template = _TEMPLATES.get_template("served.html.jinja")
        return template.render(runs=found, told=told, stamp=self.stamp(), wide=WIDE, high=HIGH)

    def stamp(self) -> str:
        """Another one whenever the report would be another one."""
        patterns = [*RECORDS, *(f"claims/{name}" for name in RECORDS)]
        files = sorted(path for pattern in patterns for path in self.out.glob(pattern))
        return sha256(repr([(str(p), p.stat().st_mtime_ns) for p in files]).encode()).hexdigest()

    def _plan(self) -> Plan:
        plan = read_plan(self.out)
        if self.only is None:
            return plan
        return structs.replace(plan, runs=[self.only], purpose="training", experiments={})

    def _page(self) -> str:
        """The report of a folder that has all that the watched one has, by links."""
        if not (self.out / "plan.json").is_file():
            return plain("Nothing has begun yet.")
        with TemporaryDirectory(dir=self.room) as room:
            mirror = Path(room)
            try:
                write_json(mirror / "plan.json", self._plan())
                found = self.out.iterdir() if self.only is None else [self.out / "runs"]
                for path in found:
                    if path.name not in (*MADE, "plan.json") and path.name[0] != ".":
                        (mirror / path.name).symlink_to(path.absolute())
                return self.build(mirror).read_text(encoding="utf-8")
            except RequestError as error:
                return plain(str(error))


def served(page: str, now: str, stamp: str) -> str:
    """The page with what is under way above it, and the script that renews it.

    The policy in its head, which allows no request, then allows those to this server.
    """
    head, _, body = page.partition("<body>")
    head = head.replace("default-src 'none';", "default-src 'none'; connect-src 'self';", 1)
    head = head.replace("style-src ", f"style-src '{policy_hash(STYLE)}' ", 1)
    head = head.replace("script-src ", f"script-src '{policy_hash(SCRIPT)}' ", 1)
    head = head.replace("</head>", f"<style>{STYLE}</style></head>", 1)
    body, _, end = body.rpartition("</body>")
    live = f'<section id="now" aria-label="Under way" data-page="{stamp}">{now}</section>'
    return f"{head}<body>{live}{body}<script>{SCRIPT}</script></body>{end}"


def plain(text: str) -> str:
    """A page that says `text` alone."""
    return _TEMPLATES.get_template("plain.html.jinja").render(text=text)
