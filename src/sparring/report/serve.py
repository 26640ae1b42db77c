"""Serves the page of an output folder to this machine alone, and renews it while others train.

The page is the one that is saved, built from the records so far, with the trainings that are under
way above it. It is built elsewhere: nothing is written into the folder that is watched.
"""

import sys
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server, socket
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from markupsafe import Markup
from msgspec import structs

from sparring.errors import RequestError
from sparring.report.now import HIGH, WIDE, under_way
from sparring.report.page import HERE, policy_hash
from sparring.report.templates import templates
from sparring.runs.folder import Run, read_plan
from sparring.runs.records import Plan
from sparring.storage import write_json

LOOPBACK = "127.0.0.1"
STYLE = (HERE / "served.css").read_text(encoding="utf-8")
SCRIPT = (HERE / "served.js").read_text(encoding="utf-8")
MADE = ("report.html", "results.json", "figures")
"""What building a page writes."""
RECORDS = ("plan.json", "answer.json", "runs/*/scores.json", "runs/*/twin.json")
"""What a page is built anew for; of the claims' experiments in the folder too."""

_TEMPLATES = templates(HERE)


class Watched:
    """An output folder, or one run in it, as pages.

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
                for path in self.out.iterdir():
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
    css = Markup((HERE / "page.css").read_text(encoding="utf-8"))
    template = _TEMPLATES.get_template("plain.html.jinja")
    return template.render(text=text, css=css, hash=policy_hash)


class _Handler(BaseHTTPRequestHandler):
    """Answers for two addresses, and for no other file."""

    server: "_Server"

    def do_GET(self) -> None:
        if self.headers.get("Host") not in self.server.hosts:
            self.send_error(403)  # a page elsewhere whose name was pointed here
        elif self.path == "/":
            self._send(self.server.watched.page())
        elif self.path == "/now":
            self._send(self.server.watched.now())
        else:
            self.send_error(404)

    def _send(self, html: str) -> None:
        body = html.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are no news."""


class _Server(ThreadingHTTPServer):
    """Serves at a socket that listens already."""

    def __init__(self, listening: socket, watched: Watched) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.watched = listening, watched
        port = listening.getsockname()[1]
        self.hosts = {f"{name}:{port}" for name in (LOOPBACK, "localhost")}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that has gone away is no error."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def listen(port: int) -> socket:
    """A socket at `port` of this machine alone, 0: one that is free. Raises RequestError."""
    try:
        return create_server((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        raise RequestError(f"--port {port}: {error}; name another, or none") from error


def address(listening: socket) -> str:
    """Where a browser finds it."""
    return f"http://{LOOPBACK}:{listening.getsockname()[1]}/"


def serve(listening: socket, out: Path, build: Callable[[Path], Path], only: str | None) -> None:
    """Serve until Stopped is raised here."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as room:
        watched = Watched(out, build, Path(room), only)
        with _Server(listening, watched) as server:
            server.serve_forever()
