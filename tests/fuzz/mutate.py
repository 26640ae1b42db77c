"""Ways to damage a file: of bytes, of declared sizes, and of what a parsed file holds.

Knows bytes and formats; knows no reader. A `Damage` is four small integers, so that Hypothesis can
shrink it and the long run can print it.
"""

import io
import json
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, NamedTuple

import h5py
import numpy as np
from scipy.io import loadmat, savemat

KINDS = (
    *("truncate", "flip", "zeros", "ones", "splice", "repeat", "insert", "size"),
    *("structure", "structure", "structure", "text"),
)
SIZES = (0, 1, 2, 0x7F, 0xFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)
TEXTS = (
    *(b"<script>alert(1)</script>", b"\"'><img src=x>", b"=cmd|' /C calc'!A0", b"\xff\xfe", b"\0"),
    *(b"\n", b"nan", b"-1", b"1e999", b"9" * 400, b"\xe2\x80\xae", b"x" * 255, b"../../", b"$x^$"),
)
DEEP, GONE = "a list in a list in a list", "no such key"
VALUES: tuple[Any, ...] = (
    *(GONE, None, True, -1, 0, 1, 10**6, 2**70, 1e308, -1e308, 1e-308, 0.5, float("nan")),
    *(float("inf"), "", "<script>", "\ud800", "../..", "$x^$", "x" * 5000, "a\0b", "\n"),
    *([], {}, [[]], [None], {"a": {}}, ["<b>"], [[1e300, 1], [1]], DEEP),
)
EXTREMES = (0, -1, 255, 10**6, -(10**12), 2**31, 0.5, np.nan, np.inf, 1e300)
TYPES = ("u1", "i1", "i2", "u8", "i8", "f2", "f4", "f8", "c16", "?", "U9", "S3", "M8[s]")


class Damage(NamedTuple):
    """What to do, where (0 to 65535 of the whole), to how much, and with what."""

    kind: str
    at: int
    size: int
    value: int


def damaged(name: str, data: bytes, damage: Damage) -> bytes:
    """`data` of the file `name`, damaged; for structures by what its suffix says it is."""
    if damage.kind == "structure":
        change = STRUCTURES.get(PurePath(name).suffix)
        return change(data, damage) if change else _bytes(data, damage._replace(kind="size"))
    return _bytes(data, damage)


def _bytes(data: bytes, damage: Damage) -> bytes:
    kind, _, size, value = damage
    at = _place(len(data), damage)
    head, tail = data[:at], data[at:]
    if kind == "truncate":
        return head
    if kind == "flip":
        return head + bytes([tail[0] ^ (1 << value % 8)]) + tail[1:] if tail else data
    if kind in ("zeros", "ones"):
        length = min(1 + size % 64, len(tail))
        return head + (b"\0" if kind == "zeros" else b"\xff") * length + tail[length:]
    if kind == "splice":
        return head + data[value * len(data) >> 16 :]
    if kind == "repeat":
        return head + tail[: 1 + size % 256] * (1 + value % 20) + tail
    if kind == "insert":
        return head + value.to_bytes(8, "big")[: 1 + size % 8] + tail
    if kind == "text":
        return head + TEXTS[value % len(TEXTS)] + tail[size % 32 :]
    width, order = (1, 2, 4, 8)[size % 4], ("little", "big")[size // 4 % 2]
    number = SIZES[value % len(SIZES)] % 2 ** (8 * width)
    return head + number.to_bytes(width, order) + tail[width:]


def _place(length: int, damage: Damage) -> int:
    """Half of the places lie near the start or the end, where headers and directories are."""
    if damage.value % 4 == 0:
        return damage.at % min(length, 300) if length else 0
    if damage.value % 4 == 1:
        return length - damage.at % min(length, 300) if length else 0
    return damage.at * length >> 16


def _json(data: bytes, damage: Damage) -> bytes:
    """One value of a JSON file replaced or taken out."""
    try:
        content = {"": json.loads(data)}
    except (ValueError, RecursionError):
        return data
    places = list(_places(content))
    holder, key = places[damage.size % len(places)]
    value = VALUES[damage.value % len(VALUES)]
    if value is GONE:
        del holder[key]
    else:
        holder[key] = value
    text = json.dumps(content.get("", {}))
    return text.replace(json.dumps(DEEP), "[" * 20_000 + "]" * 20_000).encode()


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


def _arrays(load: Callable[[bytes], dict[str, Any]], save: Callable[..., None]) -> Any:
    """Damage to one array of a file of named arrays."""

    def change(data: bytes, damage: Damage) -> bytes:
        try:
            arrays = load(data)
        except Exception:  # damaged already
            return data
        if not arrays:
            return data
        name = sorted(arrays)[damage.at % len(arrays)]
        arrays[name] = array = _array(np.asarray(arrays[name]), damage)
        if array.dtype == object and damage.size % 2:
            del arrays[name]
        buffer = io.BytesIO()
        try:
            save(buffer, arrays)
        except Exception:  # what this format cannot hold
            return data
        return buffer.getvalue()

    return change


def _array(array: Any, damage: Damage) -> Any:
    kind, value = damage.size % 6, damage.value
    with np.errstate(all="ignore"):
        try:
            if kind == 0:
                return array.astype(TYPES[value % len(TYPES)])
            if kind == 1:
                return array[: value % 3] if array.ndim else array[None]
            if kind == 2:
                return array.reshape(-1) if value % 2 else array[None]
            if kind == 3:
                extreme = EXTREMES[value % len(EXTREMES)]
                found = array.astype("f8") if isinstance(extreme, float) else array.astype("i8")
                found.reshape(-1)[damage.at % max(1, found.size) :][:1] = extreme
                return found.astype(array.dtype) if value % 3 == 0 else found
            if kind == 4:
                return np.array(TEXTS[value % len(TEXTS)].decode(errors="ignore"))
        except (ValueError, TypeError, OverflowError):
            return np.array([], "f4")
    return np.array([{"a": 1}], object)


def _load_h5(data: bytes) -> dict[str, Any]:
    arrays: dict[str, Any] = {}

    def keep(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            arrays[name] = node[()]

    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(keep)
    return arrays


def _save_h5(buffer: io.BytesIO, arrays: dict[str, Any]) -> None:
    with h5py.File(buffer, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def _load_mat(data: bytes) -> dict[str, Any]:
    return {k: v for k, v in loadmat(io.BytesIO(data)).items() if not k.startswith("__")}


STRUCTURES: dict[str, Callable[[bytes, Damage], bytes]] = {
    ".json": _json,
    ".h5": _arrays(_load_h5, _save_h5),
    ".mat": _arrays(_load_mat, savemat),
}
