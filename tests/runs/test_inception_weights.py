"""Fetching the published weights, from a server on this machine."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sparring.errors import RequestError
from sparring.runs import inception_weights as published

NAME = "weights.pth"


@contextmanager
def server(body: bytes, promised: int | None = None) -> Iterator[str]:
    """Serves `body` at the address that it yields; `promised`: the length that it says."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == f"/{NAME}" else 404)
            self.send_header("Content-Length", str(len(body) if promised is None else promised))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/{NAME}"
        http.shutdown()
        thread.join()


def test_the_file_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = hashlib.sha256(b"the weights").hexdigest()
    monkeypatch.setattr("sparring.nets.inception.SHA256", right)
    said: list[str] = []
    with server(b"the weights") as address:
        monkeypatch.setattr(published, "SOURCE", address)
        path = published.find_or_fetch(tmp_path / "cache", said.append)
    assert said == [f"fetching {address}"]
    assert path == tmp_path / "cache" / NAME
    assert path.read_bytes() == b"the weights"
    assert list(path.parent.iterdir()) == [path]
    assert published.find_or_fetch(tmp_path / "cache", pytest.fail) == path  # the server is gone


@pytest.mark.parametrize(("path", "message"), [(NAME, "SHA-256"), ("gone.pth", "Not Found")])
def test_a_wrong_file_is_refused_and_not_kept(
    path: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server(b"something else") as address:
        monkeypatch.setattr(published, "SOURCE", address.replace(NAME, path))
        with pytest.raises(RequestError, match=message):
            published.find_or_fetch(tmp_path, lambda line: None)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_file_in_the_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "SOURCE", f"http://127.0.0.1:1/{NAME}")
    (tmp_path / NAME).write_bytes(b"abc")
    with pytest.raises(RequestError, match=r"ba7816bf\.\.\., not 6726825d"):
        published.find_or_fetch(tmp_path, pytest.fail)


def test_without_a_network_one_line_says_file_folder_and_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/{NAME}"
        monkeypatch.setattr(published, "SOURCE", address)
        with pytest.raises(RequestError) as refused:
            published.find_or_fetch(tmp_path / "cache", lambda line: None)
    message = str(refused.value)
    assert f"needs {NAME}, which is not in {tmp_path / 'cache'}" in message
    assert f"from {address} (" in message
    assert "Connection refused" in message
    assert "\n" not in message


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "SOURCE", f"http://127.0.0.1:1/{NAME}")
    (tmp_path / "cache").touch()
    with pytest.raises(RequestError, match="File exists"):
        published.find_or_fetch(tmp_path / "cache", lambda line: None)
