"""What surrounds a toy face: shoulders, hair, hat, glasses.

Knows how each attribute of hair and dress shows; knows no pixels. Parts come back to front, in
the face's own frame (see `looks`).
"""

import numpy as np

from sparring.data.standins.looks import Looks
from sparring.data.standins.shapes import WHITE, Part, band, ellipse, mix, pick, points, shade

CLOTHES = np.array(
    [[40, 48, 70], [150, 40, 46], [230, 228, 222], [58, 100, 84], [90, 90, 96], [190, 140, 70]]
)


def body(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Long hair behind, shoulders, neck and ears."""
    n = len(looks.width)
    female = ~looks.has["Male"]
    middle = np.zeros(n)
    long = female & (rng.random(n) < 0.8)
    mane_width = looks.width + rng.uniform(0.14, 0.34, n)
    angle = np.linspace(np.pi, 2 * np.pi, 16)
    arc_x, arc_y = mane_width[:, None] * np.cos(angle), -0.1 + 1.06 * np.sin(angle)
    end = rng.uniform(0.9, 1.9, n)[:, None]
    tips = points(mane_width[:, None] * np.array([1.02, 0.7, -0.7, -1.02]), end)
    mane = np.concatenate([points(arc_x, arc_y), tips], axis=1)
    broad = np.where(looks.has["Male"], 1.55, 1.25) + rng.normal(0, 0.06, n)
    neck = 0.34 + 0.1 * looks.has["Male"]
    throat = np.array([-1.0, -1.15, 1.15, 1.0])
    neck_points = points(neck[:, None] * throat, np.array([0.5, 1.5, 1.5, 0.5]))
    v_neck = points(neck[:, None] * np.array([-1.15, 0, 1.15]), np.array([1.4, 1.85, 1.4]))
    cloth = pick(rng, CLOTHES, n) + rng.normal(0, 10, (n, 3))
    shadow = shade(looks.skin, 0.8)
    ears = [ellipse(side * looks.width * 0.99, middle + 0.05, 0.1, 0.19, 12) for side in (-1, 1)]
    return [
        Part(mane, shade(looks.hair, 0.78), long),
        Part(ellipse(middle, middle + 2.3, broad, 0.98, 32), np.clip(cloth, 0, 255)),
        Part(v_neck, shadow),
        Part(neck_points, shadow),
        *(Part(ear, shade(looks.skin, 0.88)) for ear in ears),
    ]


def hair(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """The cap of hair, sideburns or curtains, a lighter strand, and bangs."""
    n = len(looks.width)
    male = looks.has["Male"]
    up = np.linspace(np.pi, 2 * np.pi, 20)
    puff = np.where(male, rng.uniform(0.06, 0.16, n), rng.uniform(0.08, 0.2, n))[:, None]
    outer_x = (looks.width[:, None] + 0.6 * puff) * np.cos(up)
    outer_y = (1 + puff) * np.sin(up)
    line = np.where(male, rng.uniform(-0.72, -0.58, n), rng.uniform(-0.72, -0.6, n))[:, None]
    part_x = rng.uniform(-0.5, 0.5, n)[:, None]
    # The hairline: highest at the parting, falling to the temples.
    inner_t = np.linspace(1, -1, 15)
    drop = abs(inner_t - part_x) ** 2
    inner_x = looks.width[:, None] * 0.95 * inner_t
    inner_y = np.minimum(line + 0.13 * drop + 0.35 * inner_t**8, 0.0)
    cap = points(np.concatenate([outer_x, inner_x], 1), np.concatenate([outer_y, inner_y], 1))
    sides = np.where(male, rng.uniform(0.02, 0.2, n), rng.uniform(0.55, 1.3, n))
    top = np.full(n, -0.5)
    inward = np.where(male, 0.09, 0.15)
    parts = [Part(cap, looks.hair)]
    for side in (-1, 1):
        edge = side * (looks.width + np.where(male, 0.02, 0.16))
        inner = side * (looks.width - inward)
        lock_x = np.stack([inner, edge * 0.88, edge, edge * 0.98, inner + side * 0.1], 1)
        lock_y = np.stack([top, top, top + 0.4, sides, sides], 1)
        parts.append(Part(points(lock_x, lock_y), shade(looks.hair, 0.9)))
    shine_t = np.linspace(-0.75, 0.1, 7)
    shine_y = -0.93 + 0.45 * shine_t**2 - puff / 2
    shine = band(looks.width[:, None] * shine_t - 0.1 * part_x, shine_y, shine_y + 0.06)
    along = np.linspace(-0.88, 0.88, 13)
    jag = np.where(np.arange(13) % 2, 0.05, 0.0) + rng.uniform(0, 0.03, (n, 13))
    low = looks.eye_y[:, None] - 0.2 + jag
    fringe = band(looks.width[:, None] * along, -0.62 - 0.3 * (1 - along**2), low + 0.1 * along**4)
    return [
        *parts,
        Part(fringe, shade(looks.hair, 0.95), looks.has["Bangs"]),
        Part(shine, mix(looks.hair, WHITE, 0.16)),
    ]


def hat(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Crown, band and brim."""
    n = len(looks.width)
    on = looks.has["Wearing_Hat"]
    colour = np.clip(pick(rng, CLOTHES, n) + rng.normal(0, 14, (n, 3)), 0, 255)
    rim = rng.uniform(-0.52, -0.42, n)[:, None]
    up = np.linspace(np.pi, 2 * np.pi, 16)
    wide = looks.width[:, None] + 0.16
    crown = points(wide * np.sign(np.cos(up)) * abs(np.cos(up)) ** 0.6, rim + 0.85 * np.sin(up))
    t = np.linspace(-1, 1, 11)
    reach = rng.choice([1.02, 1.4], n)[:, None]
    curve = rim + 0.05 * (1 - t**2)
    return [
        Part(crown, colour, on),
        Part(band(wide * t, curve - 0.2, curve), shade(colour, 0.6), on),
        Part(band(wide * reach * t, curve - 0.04, curve + 0.1), shade(colour, 0.8), on),
    ]


def glasses(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Two rims drawn as rings, so the eyes show through; a bridge and two temples."""
    n = len(looks.width)
    on = looks.has["Eyeglasses"]
    frame = pick(rng, np.array([[22, 22, 26], [70, 40, 26], [110, 20, 30]]), n)
    square = rng.uniform(0.55, 1, n)[:, None]
    angle = np.linspace(0, 2 * np.pi, 25)
    cos, sin = (np.sign(v) * abs(v) ** square for v in (np.cos(angle), np.sin(angle)))
    y = looks.eye_y + 0.02
    parts = []
    for side in (-1, 1):
        x = side * looks.eye_x + looks.turn
        # Out along the outer edge, back along the inner: one polygon with a hole.
        rings = [
            points(x[:, None] + rx * cos, y[:, None] + ry * sin)
            for rx, ry in ((0.275, 0.205), (0.225, 0.155))
        ]
        ring = np.concatenate([rings[0], rings[1][:, ::-1]], axis=1)
        ear = side * looks.width
        near = x + side * 0.25
        temple_x = np.stack([near, ear, ear, near], 1)
        temple_y = y[:, None] + np.array([-0.07, -0.09, -0.03, -0.01])
        parts += [Part(ring, frame, on), Part(points(temple_x, temple_y), frame, on)]
    bridge_x = looks.turn[:, None] + np.array([-0.07, 0.07, 0.07, -0.07])
    bridge = points(bridge_x, y[:, None] + np.array([-0.05, -0.05, 0.0, 0.0]))
    return [*parts, Part(bridge, frame, on)]
