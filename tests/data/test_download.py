"""Fetching published sets, from a server on this machine that does all that servers do."""

import hashlib
import io
import re
import socket
import tarfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from sparring.data import catalogue, download
from sparring.data.download import get
from sparring.data.published import SETS, File, Published
from sparring.errors import RequestError, WorkFailed

BODY = bytes(range(256)) * 1200
PAGE = "https://example.org/set"


def md5(data: bytes) -> str:
    return "md5:" + hashlib.md5(data).hexdigest()


class Site:
    """What a server has by path, how it answers each request in turn, and what it was asked."""

    def __init__(self) -> None:
        self.files = {"/a.bin": BODY, "/b.bin": BODY[:500]}
        self.acts: dict[str, list[str]] = defaultdict(list)
        self.asked: list[tuple[str, str | None]] = []
        self.gone = threading.Event()
        self.address = ""


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            site.asked.append((self.path, wanted))
            acts = site.acts[self.path]
            act = acts.pop(0) if acts else "serve"
            body = site.files.get(self.path)
            if body is None or act.isdigit():
                self.send_error(int(act) if act.isdigit() else 404)
                return
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            if act == "whole":
                start = 0
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            part = body[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", "text/html" if act == "page" else "application/x")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if act in ("truncate", "stall"):
                part = part[: len(part) // 2]
            self.wfile.write(part[::-1] if act == "corrupt" else part)
            if act == "stall":
                self.wfile.flush()
                site.gone.wait(10)

        def log_message(self, *_: object) -> None:
            pass

    return Answer


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "WAITS", (0.0, 0.0))
    monkeypatch.setattr(download, "PATIENCE", 1.0)
    site = Site()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(site)) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        site.address = f"http://127.0.0.1:{http.server_port}"
        yield site
        site.gone.set()
        http.shutdown()
        thread.join()


def publish(monkeypatch: pytest.MonkeyPatch, *places: tuple[File, ...]) -> None:
    monkeypatch.setitem(SETS, "toys", Published("toys_dir", 3, "for tests only", PAGE, places))


def fetch(out: Path) -> list[str]:
    """What `get` says of the set toys."""
    said: list[str] = []
    get("toys", out, said.append, lambda name, here, total: None)
    return said


def one(site: Site, name: str = "a.bin", known: str | None = None) -> File:
    data = site.files.get(f"/{name}", b"")
    return File(name, f"{site.address}/{name}", md5(data) if known is None else known)


def left(out: Path) -> list[str]:
    return sorted(path.name for path in (out / "toys_dir").iterdir())


def test_files_are_fetched_once_checked_and_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site), one(site, "b.bin")))
    seen: list[tuple[str, int, int]] = []
    said: list[str] = []
    get("toys", tmp_path, said.append, lambda *now: seen.append(now))
    folder = tmp_path / "toys_dir"
    assert (folder / "a.bin").read_bytes() == BODY
    assert left(tmp_path) == ["a.bin", "b.bin"]
    assert said[0] == f"toys: 3 MB into {folder}; licence: for tests only ({PAGE})"
    assert said[1] == f"{folder}/a.bin: fetched, as published ({md5(BODY)})"
    assert seen[-1] == ("b.bin", 500, 500)
    assert max(here for name, here, total in seen if name == "a.bin" and total == here) == len(BODY)
    assert fetch(tmp_path)[1] == f"{folder}/a.bin: there already, as published ({md5(BODY)})"
    assert len(site.asked) == 2


@pytest.mark.parametrize(("act", "why"), [("truncate", "more expected"), ("stall", "timed out")])
def test_a_broken_download_goes_on_where_it_stopped(
    act: str, why: str, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site),))
    site.acts["/a.bin"] = [act, act]
    said = fetch(tmp_path)
    assert said[1].startswith(f"{site.address}/a.bin: ")
    assert why in said[1]
    assert said[1].endswith("; going on in 0 s")
    assert (tmp_path / "toys_dir" / "a.bin").read_bytes() == BODY
    starts = [int(re.sub(r"\D", "", wanted or "0")) for _, wanted in site.asked]
    assert starts == sorted({0, *starts})
    assert len(starts) == 3


def test_a_body_that_ends_early_is_noticed_whatever_the_library_says(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    get_strictly = requests.get

    def leniently(*of: object, **options: object) -> requests.Response:
        answer = get_strictly(*of, **options)  # type: ignore[arg-type]
        answer.raw.enforce_content_length = False
        return answer

    monkeypatch.setattr(requests, "get", leniently)
    publish(monkeypatch, (one(site, known=""),))
    site.acts["/a.bin"] = ["truncate"]
    assert "only 153,600 of 307,200 bytes came; going on" in fetch(tmp_path)[1]
    assert site.asked[1] == ("/a.bin", "bytes=153600-")
    assert (tmp_path / "toys_dir" / "a.bin").read_bytes() == BODY


def test_as_long_as_bytes_arrive_it_is_tried_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site),))
    site.acts["/a.bin"] = ["503", "truncate", "503", "truncate", "503"]
    fetch(tmp_path)
    assert (tmp_path / "toys_dir" / "a.bin").read_bytes() == BODY


def test_what_was_fetched_outlives_a_failure_and_the_next_start_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site),))
    site.acts["/a.bin"] = ["truncate", "503", "503"]
    with pytest.raises(WorkFailed, match="503 Service Unavailable; start again to go on"):
        fetch(tmp_path)
    assert left(tmp_path) == [".a.bin.part"]
    here = (tmp_path / "toys_dir" / ".a.bin.part").stat().st_size
    assert 0 < here <= len(BODY) // 2
    fetch(tmp_path)
    assert site.asked[-1] == ("/a.bin", f"bytes={here}-")
    assert (tmp_path / "toys_dir" / "a.bin").read_bytes() == BODY
    assert left(tmp_path) == ["a.bin"]


def test_a_server_that_cannot_go_on_begins_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site),))
    site.acts["/a.bin"] = ["truncate", "whole"]
    fetch(tmp_path)
    assert site.asked[1][1] is not None
    assert (tmp_path / "toys_dir" / "a.bin").read_bytes() == BODY


@pytest.mark.parametrize(("part", "times"), [(BODY, 1), (BODY + b"more", 2)])
def test_what_is_whole_is_not_fetched_again_and_what_is_too_long_is_fetched_anew(
    part: bytes, times: int, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site),))
    (tmp_path / "toys_dir").mkdir()
    (tmp_path / "toys_dir" / ".a.bin.part").write_bytes(part)
    fetch(tmp_path)
    assert (tmp_path / "toys_dir" / "a.bin").read_bytes() == BODY
    assert len(site.asked) == times


@pytest.mark.parametrize(
    ("acts", "told", "times"),
    [
        (["404"], "404 Not Found", 1),
        (["503"] * 3, "503 Service Unavailable", 3),
        (["page"], "answers with a web page, not with the file", 1),
        (["corrupt"], "gave another file than md5:", 1),
    ],
)
def test_a_refusal_is_told_with_what_to_do_by_hand(
    acts: list[str],
    told: str,
    times: int,
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    publish(monkeypatch, (one(site), one(site, "b.bin")))
    site.acts["/a.bin"] = acts
    with pytest.raises(WorkFailed, match=told) as failed:
        fetch(tmp_path)
    assert f"fetch a.bin, b.bin by hand from {PAGE} into {tmp_path / 'toys_dir'}" in str(
        failed.value
    )
    assert "\n" not in str(failed.value)
    assert len(site.asked) == times
    assert left(tmp_path) == []


def test_without_a_network_one_line_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a.bin"
        publish(monkeypatch, (File("a.bin", url, md5(BODY)),))
        with pytest.raises(WorkFailed, match=r"a\.bin: \[Errno \d+\] Connection refused; start"):
            fetch(tmp_path)


def test_another_place_is_tried_and_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site, "gone.bin"),), (one(site),))
    said = fetch(tmp_path)
    assert said[1] == f"{site.address}/gone.bin: 404 Not Found; trying another place"
    assert left(tmp_path) == ["a.bin"]


def test_a_hash_that_nobody_published_is_recorded_and_checked_from_then_on(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site, "b.bin", known=""),))
    seen = hashlib.sha256(BODY[:500]).hexdigest()
    assert (
        f"no hash is published: the one seen, sha256:{seen}, is in b.bin.sha256"
        in (fetch(tmp_path)[1])
    )
    record = tmp_path / "toys_dir" / "b.bin.sha256"
    assert record.read_text() == f"{seen}  b.bin\n"
    assert fetch(tmp_path)[1].endswith(f"there already, as first seen (sha256:{seen})")
    (tmp_path / "toys_dir" / "b.bin").write_bytes(b"damaged")
    with pytest.raises(RequestError, match=f"is not the published file .sha256:{seen}"):
        fetch(tmp_path)


def test_a_file_of_ones_own_is_neither_taken_nor_touched(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site),))
    (tmp_path / "toys_dir").mkdir()
    mine = tmp_path / "toys_dir" / "a.bin"
    mine.write_bytes(b"mine")
    with pytest.raises(RequestError, match=r"is not the published file .*: move it away"):
        fetch(tmp_path)
    assert mine.read_bytes() == b"mine"
    assert site.asked == []


def tarred(**members: bytes) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return data.getvalue()


def archive(site: Site, *gives: str) -> File:
    known = md5(site.files["/t.tgz"])
    return File("t.tgz", f"{site.address}/t.tgz", known, "top/in", gives)


def test_of_an_archive_what_is_wanted_is_unpacked(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    members = {"top/in/train/1.jpg": b"one", "top/in/list.txt": b"list", "top/else.txt": b"no"}
    site.files["/t.tgz"] = tarred(**members)
    publish(monkeypatch, (archive(site, "train", "list.txt"),))
    fetch(tmp_path)
    assert left(tmp_path) == ["list.txt", "train"]
    assert (tmp_path / "toys_dir" / "train" / "1.jpg").read_bytes() == b"one"
    assert fetch(tmp_path)[1].endswith("train, list.txt are there")
    assert len(site.asked) == 1


@pytest.mark.parametrize("name", ["top/in/../../../out.txt", "top/in/a/../../../../out.txt"])
def test_nothing_is_unpacked_outside(
    name: str, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site.files["/t.tgz"] = tarred(**{"top/in/list.txt": b"list", name: b"evil"})
    publish(monkeypatch, (archive(site, "list.txt"),))
    with pytest.raises(WorkFailed, match=r"cannot be unpacked .*outside the destination"):
        fetch(tmp_path)
    assert left(tmp_path) == ["t.tgz"]
    assert not list(tmp_path.rglob("out.txt"))


def test_an_archive_that_lacks_what_it_should_hold_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site.files["/t.tgz"] = tarred(**{"top/in/list.txt": b"list"})
    publish(monkeypatch, (archive(site, "train"),))
    with pytest.raises(WorkFailed, match="cannot be unpacked"):
        fetch(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    publish(monkeypatch, (one(site),))
    (tmp_path / "toys_dir").touch()
    with pytest.raises(RequestError, match=r"cannot write .*toys_dir: File exists"):
        fetch(tmp_path)


@pytest.mark.parametrize("name", SETS)
def test_the_table_is_of_the_sets_that_the_readers_read(name: str, tmp_path: Path) -> None:
    asked = SETS[name]
    assert asked.licence
    assert asked.megabytes > 0
    for number, files in enumerate(asked.places):
        folder = tmp_path / str(number) / asked.folder
        folder.mkdir(parents=True)
        for file in files:
            assert re.fullmatch(r"|md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}", file.known)
            assert file.url.startswith(("https://", "http://"))
            for part in file.gives or (file.name,):
                is_file = bool(Path(part).suffix)
                (folder / part).touch() if is_file else (folder / part).mkdir()
        if name != "bsds500":  # photographs, for `sparring data build`
            assert asked.folder == catalogue.REAL[name].folder
            assert catalogue.find(name, folder.parent)
