"""Polygons for a whole batch of drawings, and the mixing of their colours.

Knows points and colours; knows nothing of faces. y points down.
"""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

WHITE = np.array([248, 246, 242])
DARK = np.array([34, 26, 26])


@dataclass(frozen=True)
class Part:
    """One polygon of every face of a batch.

    points: float [N, P, 2] as (x, y). colour: [N, 3] or [3], 0 to 255. shown: bool [N], or all.
    """

    points: Array
    colour: Array
    shown: Array | bool = True


def pick(rng: np.random.Generator, colours: Array, n: int, p: list[float] | None = None) -> Array:
    """Choose one of `colours` ([K, 3]) `n` times, evenly or by `p`: float [n, 3]."""
    return colours[rng.choice(len(colours), n, p=p)].astype(float)


def shade(colour: Array, factor: float) -> Array:
    """Darken (`factor` < 1) or lighten a colour."""
    return np.clip(colour * factor, 0, 255)


def mix(colour: Array, other: Array, share: float) -> Array:
    """Mix in `share` (0 to 1) of another colour."""
    return colour + share * (other - colour)


def points(x: Array, y: Array) -> Array:
    """Join x and y, broadcast to [N, P], into points [N, P, 2]."""
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def ellipse(x: Array, y: Array, rx: Array | float, ry: Array | float, corners: int = 20) -> Array:
    """Ellipses round (x, y), both [N], of radii [N] or the same for all: points [N, P, 2]."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    across = np.multiply.outer(rx, np.cos(angle))
    down = np.multiply.outer(ry, np.sin(angle))
    return points(x[:, None] + across, y[:, None] + down)


def band(x: Array, top: Array, bottom: Array) -> Array:
    """The area between two curves over the same x, broadcast to [N, P]: points [N, 2 P, 2]."""
    x, top, bottom = np.broadcast_arrays(x, top, bottom)
    return points(np.concatenate([x, x[:, ::-1]], 1), np.concatenate([top, bottom[:, ::-1]], 1))
