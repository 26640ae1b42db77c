"""What toy faces are made of: their measures and colours, and polygons in their own frame.

The head is centred on the origin, its chin near y = 1 and its crown near y = -1, y down.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

WHITE = np.array([248, 246, 242])
DARK = np.array([34, 26, 26])
SKINS = np.array(
    [[244, 208, 177], [231, 184, 147], [214, 160, 120], [176, 122, 85], [126, 82, 56], [90, 58, 41]]
)
PALE = np.array([250, 233, 222])
HAIRS = np.array([[28, 24, 24], [62, 40, 28], [98, 62, 36], [134, 74, 40]])
BLOND = np.array([226, 192, 118])
GREY = np.array([178, 176, 174])


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


@dataclass(frozen=True)
class Looks:
    """The measures of N faces, in the face's own frame.

    has: attributes by name, bool [N] each. width: half the head's, at its widest. jaw: how square,
    0 to 1. turn: how far the features lie to the right. The others but colours: places.
    Measures are float [N], the colours skin and hair float [N, 3], 0 to 255.
    """

    has: Mapping[str, Array]
    width: Array
    jaw: Array
    turn: Array
    eye_y: Array
    eye_x: Array
    nose_y: Array
    mouth_y: Array
    skin: Array
    hair: Array


def draw_looks(rng: np.random.Generator, has: Mapping[str, Array]) -> Looks:
    """Draw the looks of faces with these attributes (bool [N] each)."""
    male = has["Male"]
    n = len(male)
    skin = pick(rng, SKINS, n, p=[0.26, 0.27, 0.2, 0.13, 0.09, 0.05]) + rng.normal(0, 5, (n, 3))
    skin = np.where(has["Pale_Skin"][:, None], PALE + rng.normal(0, 3, (n, 3)), skin)
    strands = pick(rng, HAIRS, n) + rng.normal(0, 6, (n, 3))
    grey = ~has["Young"] & (rng.random(n) < 0.7)
    strands = np.where(grey[:, None], GREY + rng.normal(0, 14, (n, 1)), strands)
    blond = BLOND + rng.normal(0, 9, (n, 3))
    return Looks(
        has=has,
        width=rng.normal(0.74, 0.035, n) + 0.04 * male,
        jaw=np.where(male, rng.uniform(0.55, 0.8, n), rng.uniform(0.15, 0.4, n)),
        turn=rng.normal(0, 0.06, n),
        eye_y=rng.normal(-0.08, 0.025, n),
        eye_x=rng.normal(0.32, 0.015, n),
        nose_y=rng.normal(0.3, 0.025, n),
        mouth_y=rng.normal(0.57, 0.025, n),
        skin=np.clip(skin, 0, 255),
        hair=np.clip(np.where(has["Blond_Hair"][:, None], blond, strands), 0, 255),
    )
