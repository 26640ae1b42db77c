"""What a reader can move on the page: maps and cells under the pointer, frames under a slider.

Knows groups and their arrays; `page.js` and `map.js` show what is made here. Where a run lacks the
arrays, or there is no room, there is no such part, and the page keeps its figure.
"""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sparring.errors import RequestError
from sparring.report.curves import Array
from sparring.report.groups import Adaptation, Generation
from sparring.report.plots import CLASSES, DOMAINS, PALE
from sparring.report.sprites import COLUMNS, PHOTOGRAPH, Sheet, tiled, webp
from sparring.runs.folder import Run

FULL = 65535
"""The largest number of 16 bits: full scale of what is packed, and the label that is unknown."""
WIDE = 4
"""Images in a row of a frame."""
RIGHT_WRONG = ("#0072B2", "#D55E00")
SURE = {0.0: "#f0a030", 0.4: "#d5546e", 0.6: "#9c179e", 0.8: "#5c01a6", 0.95: "#0d0887"}
"""Colours of confidence, each from its value on: plasma, which the colour-blind can read."""


@dataclass(frozen=True)
class Frames:
    """One image (a data URL) of frames that lie below each other, and what each shows.

    title: what the slider moves. width, height: of a frame, in images.
    """

    title: str
    image: str
    words: tuple[str, ...]
    width: int
    height: int


@dataclass(frozen=True)
class Map:
    """Maps of one group side by side. data: for the script. sides: their titles.

    points: on all sides together, and total: how many the static figures have.
    """

    data: dict[str, Any]
    sides: tuple[str, ...]
    points: int
    total: int


def growing(group: Generation) -> Iterator[Frames]:
    """The same noise with more and more of an attribute; one for each that was recorded."""
    recorded = _arrays(group.shown, "pictures").get("growing", ())
    for name, frames in zip(group.config.label_names, recorded, strict=False):
        shares = np.linspace(0, 100, len(frames))
        yield _frames(name, frames, [f"{share:.0f} %" for share in shares])


def walk(group: Generation) -> Frames | None:
    """Images on their way from one noise to another; None where the run recorded none."""
    frames = _arrays(group.shown, "pictures").get("walk")
    if frames is None:
        return None
    shares = np.linspace(0, 100, len(frames))
    return _frames("Noise", frames, [f"{share:.0f} %" for share in shares])


def progress(group: Generation) -> Frames | None:
    """The same noise as training goes on; None where fewer than two moments were kept."""
    arrays = _arrays(group.shown, "pictures")
    if len(arrays.get("progress", ())) < 2:
        return None
    return _frames(
        "Training", arrays["progress"], [f"step {step:,}" for step in arrays["progress_steps"]]
    )


def _arrays(run: Run, file: str) -> Mapping[str, Array]:
    """The run's arrays; none where they cannot be read: that its figures tell."""
    try:
        return run.arrays(file)
    except RequestError:
        return {}


def _frames(title: str, frames: Array, words: list[str]) -> Frames:
    """frames: uint8 [F, N, 3, S, S]."""
    width = min(WIDE, frames.shape[1])
    image = np.concatenate([tiled(frame, width) for frame in frames])
    height = image.shape[0] // frames.shape[-1] // len(frames)
    return Frames(title, webp(image, PHOTOGRAPH), tuple(words), width, height)


def features(group: Adaptation, sheet: Sheet) -> Map | None:
    """The map before and after, thumbnails in `sheet`; None where there is none to show."""
    runs = [run for scenario in ("source-only", "adapted") for run in group.of(scenario)[:1]]
    found = {run: _arrays(run, "features") for run in runs}
    shown = {run: arrays for run, arrays in found.items() if "thumbnails" in arrays}
    sides = {run: side for run, arrays in shown.items() if (side := _side(arrays, sheet))}
    if not sides:
        return None
    data = {
        "classes": group.config.label_names,
        "domains": [f"{role}: {one.name}" for role, one in group.config.data.items()],
        "colours": {"class": CLASSES, "domain": DOMAINS, "right": RIGHT_WRONG, "pale": PALE},
        "sure": list(SURE.items()),
        "columns": COLUMNS,
        "sides": list(sides.values()),
    }
    return Map(
        data,
        tuple(run.config.scenario.replace("-", " ") for run in sides),
        sum(int(shown[run]["pictured"].sum()) for run in sides),
        sum(len(shown[run]["points"]) for run in sides),
    )


def cells(run: Run, sheet: Sheet) -> dict[str, list[tuple[int, float]]]:
    """Images of the cells of a confusion matrix, by "row,column": places in `sheet`, confidence.

    None where the run kept none, or the sheet has no room.
    """
    arrays = _arrays(run, "outputs")
    places = sheet.add(arrays["cell_thumbnails"]) if "cell_thumbnails" in arrays else None
    if places is None:
        return {}
    columns = (arrays[f"cell_{name}"].tolist() for name in ("label", "predicted", "confidence"))
    found: dict[str, list[tuple[int, float]]] = {}
    for place, row, column, sure in zip(places.tolist(), *columns, strict=True):
        found.setdefault(f"{row},{column}", []).append((place, round(sure, 3)))
    return found


def _side(arrays: Mapping[str, Array], sheet: Sheet) -> dict[str, str] | None:
    """The pictured points of one map, each column packed; None where the sheet is full."""
    place = sheet.add(arrays["thumbnails"])
    if place is None:
        return None
    rows = {name: arrays[name][arrays["pictured"]] for name in _COLUMNS}
    middle = (rows["points"].max(0) + rows["points"].min(0)) / 2
    span = float(np.ptp(rows["points"], axis=0).max()) or 1.0
    x, y = ((rows["points"] - middle) / span + 0.5).T
    columns = {
        "x": x * FULL,
        "y": (1 - y) * FULL,  # upwards, as in the figure
        "confidence": rows["confidence"] * FULL,
        "label": np.where(rows["label"] < 0, FULL, rows["label"]),
        "predicted": rows["predicted"],
        "domain": rows["domain"],
        "image": place,
    }
    # In a fixed random order, so that no class and no domain lies on top of all others.
    order = np.random.default_rng(0).permutation(len(place))
    return {name: _packed(column[order]) for name, column in columns.items()}


_COLUMNS = ("points", "confidence", "label", "predicted", "domain")


def _packed(values: Array) -> str:
    """Numbers of 0 to FULL as base64 of 16 bits each."""
    return base64.b64encode(values.round().clip(0, FULL).astype("<u2").tobytes()).decode()
