"""What the page's script is given; the script itself is tested in tests/browser."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sparring.report import live, sprites
from sparring.report.groups import Adaptation, Generation
from sparring.report.page import build
from sparring.report.sprites import Sheet, tiled
from tests.report.conftest import text
from tests.report.maker import DIGITS, Maker


def decoded(url: str) -> np.ndarray:
    data = base64.b64decode(url.removeprefix("data:image/webp;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def unpacked(text: str) -> list[int]:
    return np.frombuffer(base64.b64decode(text), "<u2").tolist()


def grey(*levels: int, size: int = 24) -> np.ndarray:
    return (
        np.array(levels, np.uint8)[:, None, None, None].repeat(3, 1).repeat(size, 2).repeat(size, 3)
    )


def photographs(*shape: int) -> np.ndarray:
    """Of 24 pixels: as smooth as faces and digits are, and as dear."""
    noise = np.random.default_rng(0).integers(0, 256, (int(np.prod(shape)), 6, 6, 3), np.uint8)
    wide = [Image.fromarray(one).resize((24, 24), Image.Resampling.BICUBIC) for one in noise]
    return (
        np.stack([np.asarray(one) for one in wide]).transpose(0, 3, 1, 2).reshape(*shape, 3, 24, 24)
    )


def test_small_images_and_frames_leave_room_on_a_page_of_8_megabytes(maker: Maker) -> None:
    sheet = Sheet()
    sheet.add(photographs(300))
    assert sprites.MOST * len(sheet.url()) / len(sheet) < 4e6  # a full sheet; 31 MB without loss
    run = maker.generator("dcgan")
    run.write_arrays("pictures", {"walk": photographs(9, 4)})
    way = live.walk(Generation((run,)))
    assert way is not None
    assert 3 * len(way.image) < len(sprites.webp(decoded(way.image), None))


def test_images_lie_in_rows_and_the_last_row_is_filled_up_with_white() -> None:
    found = tiled(grey(10, 20, 30, size=2), 2)
    assert found.shape == (4, 4, 3)
    assert found[::2, ::2, 0].tolist() == [[10, 20], [30, 255]]
    one = np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)
    assert tiled(one, 1)[0, 1].tolist() == [1, 5, 9]  # the second pixel of the first row


def test_a_sheet_has_each_image_once_and_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet()
    assert sheet.url() == ""
    assert sheet.add(grey(10, 20, 10)).tolist() == [0, 1, 0]  # type: ignore[union-attr]
    assert sheet.add(grey(30, 20)).tolist() == [2, 1]  # type: ignore[union-attr]
    seen = decoded(sheet.url())[12, 12::24, 0].astype(int)
    assert len(seen) == 100
    assert seen[:4] == pytest.approx([10, 20, 30, 255], abs=3)
    monkeypatch.setattr(sprites, "MOST", 3)
    assert sheet.add(grey(30)) is not None
    assert sheet.add(grey(30, 40)) is None
    assert len(sheet) == 3  # what had no room left nothing


def test_a_map_is_packed_as_it_lies(maker: Maker) -> None:
    run = maker.classifier("dann", labelled=False)
    points = np.array([[0, 0], [10, 0], [0, 5], [1, 1]], np.float32)
    arrays = {
        "points": points,
        "label": np.array([3, -1, 4, 5]),
        "predicted": np.array([3, 7, 4, 5]),
        "confidence": np.array([0.0, 0.5, 1.0, 0.2], np.float32),
        "domain": np.array([0, 1, 0, 1]),
        "pictured": np.array([True, True, True, False]),
        "thumbnails": grey(10, 20, 30),
    }
    run.write_arrays("features", arrays)
    sheet = Sheet()
    found = live.features(Adaptation((run,)), sheet)
    assert found is not None
    assert (found.sides, found.points, found.total) == (("adapted",), 3, 4)
    assert found.data["classes"] == DIGITS
    assert found.data["domains"] == ["source: here", "target: there"]
    (side,) = found.data["sides"]
    columns = {name: unpacked(column) for name, column in side.items()}
    rows = sorted(zip(*(columns[name] for name in ("image", "x", "y")), strict=True))
    # The longer way fills the square, the shorter lies in its middle; up is up.
    assert rows == [(0, 0, 49151), (1, 65535, 49151), (2, 0, 16384)]
    said = {
        image: rest
        for image, *rest in zip(
            *(columns[name] for name in ("image", "label", "predicted", "domain", "confidence")),
            strict=True,
        )
    }
    assert said == {0: [3, 3, 0, 0], 1: [65535, 7, 1, 32768], 2: [4, 4, 0, 65535]}


def test_before_and_after_share_their_images(maker: Maker) -> None:
    group = Adaptation((maker.classifier("dann", "source-only"), maker.classifier("dann")))
    sheet = Sheet()
    found = live.features(group, sheet)
    assert found is not None
    assert found.sides == ("source only", "adapted")
    assert len(sheet) == 240


def test_frames_lie_below_each_other_and_say_what_they_are(maker: Maker) -> None:
    run = maker.generator("acgan", ("Smiling", "Male", "Young"))
    arrays = run.arrays("pictures")
    levels = np.arange(7, dtype=np.uint8) * 30
    growing = np.stack([levels, levels + 20])[:, :, None, None, None, None]
    arrays["growing"] = np.broadcast_to(growing, (2, 7, 8, 3, 16, 16)).copy()
    run.write_arrays("pictures", arrays)
    smiling, male = live.growing(Generation((run,)))
    assert (smiling.title, male.title) == ("Smiling", "Male")
    assert smiling.words == ("0 %", "17 %", "33 %", "50 %", "67 %", "83 %", "100 %")
    assert (smiling.width, smiling.height) == (4, 2)
    for frames, first in ((smiling, 0), (male, 20)):
        seen = decoded(frames.image)
        assert seen.shape == (7 * 2 * 16, 4 * 16, 3)
        assert seen[16::32, 8, 0] == pytest.approx(levels.astype(int) + first, abs=3)
    moments = live.progress(Generation((run,)))
    assert moments is not None
    assert moments.words == ("step 0", "step 200", "step 400", "step 600")
    way = live.walk(Generation((run,)))
    assert way is not None
    assert (way.title, way.width, way.height) == ("Noise", 4, 1)
    assert way.words[:2] + way.words[-1:] == ("0 %", "12 %", "100 %")
    last = decoded(way.image)[8 * 32 :, 3 * 32 :].astype(int).transpose(2, 0, 1)
    apart = np.abs(arrays["walk"].astype(int) - last).mean((2, 3, 4))
    assert apart.argmin() == apart.size - 1


def test_cells_have_places_in_the_sheet_surest_first(maker: Maker) -> None:
    run = maker.classifier("dann")
    sheet = Sheet()
    sheet.add(grey(10))
    assert live.cells(run, sheet) == {"3,5": [(1, 0.9), (3, 0.7)], "7,1": [(2, 0.8)]}
    assert len(sheet) == 4


def test_cells_without_room_or_images_have_none(
    maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sprites, "MOST", 2)
    assert live.cells(maker.classifier("dann"), Sheet()) == {}
    assert live.cells(maker.classifier("dann", seed=1, labelled=False), Sheet()) == {}


def test_runs_of_before_have_their_page_and_are_told(maker: Maker) -> None:
    run = maker.generator("acgan", ("Smiling",))
    kept = run.arrays("pictures")
    del kept["growing"], kept["walk"]
    run.write_arrays("pictures", {**kept, "progress": kept["progress"][:1]})
    run = maker.classifier("dann")
    old = {k: v for k, v in run.arrays("features").items() if k in ("points", "label", "domain")}
    run.write_arrays("features", old)
    outputs = run.arrays("outputs")
    run.write_arrays("outputs", {k: v for k, v in outputs.items() if not k.startswith("cell")})
    page = build(maker.plan()).read_text()
    assert not re.search('class="live (frames|map|note|thumbs)', page)
    assert 'class="still"' not in page
    assert 'id="sprite"' not in page
    words = text(page)
    assert "No slider from without an attribute to with it" in words
    assert "No map to point at" in words


def test_what_has_no_room_keeps_its_figure(
    maker: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sprites, "MOST", 100)
    maker.classifier("dann")
    page = build(maker.plan()).read_text()
    assert "the page has no room for more" in text(page)
    assert '<figure id="tsne-dann' in page
