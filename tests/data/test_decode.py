import contextlib
import logging
import time
from functools import partial
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from sparring.data import decode as module
from sparring.data.decode import UndecodableError, decode, decode_all
from sparring.errors import RequestError

RNG = np.random.default_rng(0)


def encode(pixels: np.ndarray, kind: str = "PNG", **settings: object) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **settings)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "settings"), [("PNG", {}), ("BMP", {}), ("TIFF", {}), ("WEBP", {"lossless": True})]
)
def test_lossless_pictures_of_the_size_keep_their_pixels(kind: str, settings: dict) -> None:
    pixels = RNG.integers(0, 256, (8, 8, 3), np.uint8)
    decoded = decode(encode(pixels, kind, **settings), 8)
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, pixels.transpose(2, 0, 1))


def test_the_central_square_is_cropped_from_tall_and_wide() -> None:
    pixels = RNG.integers(0, 256, (218, 178, 3), np.uint8)
    assert np.array_equal(decode(encode(pixels), 178), pixels[20:198].transpose(2, 0, 1))
    wide = pixels.transpose(1, 0, 2).copy()
    assert np.array_equal(decode(encode(wide), 178), wide[:, 20:198].transpose(2, 0, 1))


def test_the_resize_is_antialiased() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = decode(encode(stripes), 8)
    assert np.abs(small.astype(int) - 127.5).max() < 20  # sampling alone would give 0 or 255


def test_grey_and_16_bit_become_8_bit_rgb() -> None:
    grey = RNG.integers(0, 256, (4, 4), np.uint8)
    assert np.array_equal(decode(encode(grey), 4), np.stack([grey] * 3))
    deep = grey.astype(np.uint16) * 256 + 77
    assert np.array_equal(decode(encode(deep), 4), np.stack([grey] * 3))


def test_transparency_is_laid_on_white() -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[0, 0] = (10, 20, 30, 255)
    decoded = decode(encode(pixels), 4)
    assert decoded[:, 0, 0].tolist() == [10, 20, 30]
    assert (decoded[:, 1:] == 255).all()


def test_exif_rotation_is_applied() -> None:
    pixels = RNG.integers(0, 256, (4, 4, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = decode(encode(pixels, "PNG", exif=exif), 4)
    assert np.array_equal(turned, pixels[::-1, ::-1].transpose(2, 0, 1))


@pytest.mark.parametrize(
    "data", [b"", b"not a picture", encode(RNG.integers(0, 256, (9, 9, 3), np.uint8))[:99]]
)
def test_damaged_bytes_are_undecodable(data: bytes) -> None:
    with pytest.raises(UndecodableError):
        decode(data, 8)


def test_other_formats_are_not_tried() -> None:
    with pytest.raises(UndecodableError):
        decode(encode(np.zeros((9, 9, 3), np.uint8), "ICO"), 8)


def test_a_decompression_bomb_is_refused_unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", 99)
    decode(encode(np.zeros((9, 11, 3), np.uint8)), 8)
    with pytest.raises(UndecodableError, match="10x10 pixels are too many"):
        decode(encode(np.zeros((10, 10, 3), np.uint8)), 8)


def test_pillows_own_limit_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(UndecodableError, match="decompression bomb"):
        decode(encode(np.zeros((10, 10, 3), np.uint8)), 8)


def numbered(count: int, bad: set[int]) -> list[tuple[str, bytes]]:
    """Pictures whose pixels all say their place (modulo 256)."""
    return [
        (f"{i}.png", b"bad" if i in bad else encode(np.full((4, 4, 3), i % 256, np.uint8)))
        for i in range(count)
    ]


def test_order_is_kept_over_chunks_and_failures_are_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "sparring"):
        pixels, kept, *_ = decode_all(partial(numbered, 1500, {7, 300, 301, 1499}), 1500, 4, "here")
    assert pixels.shape == (1496, 3, 4, 4)
    assert kept.tolist() == [i for i in range(1500) if i not in {7, 300, 301, 1499}]
    assert torch.equal(pixels[:, 0, 0, 0].long(), kept % 256)
    assert [r.getMessage() for r in caplog.records] == [
        "4 of 1500 images in here do not decode (7.png, 300.png, 301.png, ...): left out"
    ]


def test_five_percent_or_one_may_fail_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    for count, bad in ((100, {3, 5, 7, 9, 11}), (4, {3})):
        assert len(decode_all(partial(numbered, count, bad), count, 4, "here")[0]) == count - len(
            bad
        )
    for count, bad in ((39, {3, 9}), (1, {0})):
        with pytest.raises(
            RequestError, match=r"do not decode .*: no picture of a known format; repair"
        ):
            decode_all(partial(numbered, count, bad), count, 4, "here")


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(RequestError, match="here holds no images"):
        decode_all(list, 0, 4, "here")


def test_a_set_that_no_machine_holds_is_refused() -> None:
    with pytest.raises(RequestError, match="here: 1,000,000,000,000 images of 64 pixels take"):
        decode_all(list, 10**12, 64, "here")


def test_what_pillow_warns_of_is_not_said(recwarn: pytest.WarningsRecorder) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    whole = encode(RNG.integers(0, 256, (4, 4, 3), np.uint8), "TIFF", exif=exif)
    directory = int.from_bytes(whole[4:8], "little")
    entries = int.from_bytes(whole[directory : directory + 2], "little")
    for entry in range(directory + 2, directory + 2 + 12 * entries, 12):
        many = whole[: entry + 4] + b"\xff\xff\0\0" + whole[entry + 8 :]  # values of this tag
        for data in (many, many[: entry + 9]):
            with contextlib.suppress(RequestError):
                decode_all(partial(list, [("a", data)]), 1, 4, "here")
    assert not recwarn.list


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = [0], [0]

    def slowly(image: Image.Image) -> Image.Image:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.002)
        inside[0] -= 1
        return image.convert("RGB")

    monkeypatch.setattr(module, "_rgb", slowly)
    monkeypatch.setattr(module, "_LARGE", 15)
    monkeypatch.setattr(module, "_CHUNK", 1)
    decode_all(partial(numbered, 30, set()), 30, 4, "here")
    assert most[0] == 1
