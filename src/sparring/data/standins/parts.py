"""The parts of toy faces, back to front: what each attribute of head, hair and dress changes.

Knows polygons in the face's own frame (see `looks`); knows no pixels.
"""

import numpy as np

from sparring.data.standins.looks import (
    DARK,
    WHITE,
    Array,
    Looks,
    Part,
    band,
    ellipse,
    mix,
    pick,
    points,
    shade,
)

THROAT = np.array([94, 36, 40])
IRISES = np.array([[74, 48, 30], [98, 70, 40], [70, 110, 150], [84, 120, 84]])
CLOTHES = np.array(
    [[40, 48, 70], [150, 40, 46], [230, 228, 222], [58, 100, 84], [90, 90, 96], [190, 140, 70]]
)


def parts_of(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """All parts of faces of these looks."""
    return [
        *_body(rng, looks),
        *_head(looks),
        *_eyes(rng, looks),
        *_nose(looks),
        *mouth(rng, looks),
        *_wrinkles(looks),
        *_hair(rng, looks),
        *_hat(rng, looks),
        *_glasses(rng, looks),
    ]


def _outline(looks: Looks) -> Array:
    """The head's outline, from the right ear down: an egg whose chin squares with the jaw."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    below = np.clip(np.sin(angle), 0, 1)
    # A fuller jaw keeps the width further down.
    taper = 1 - (0.34 - 0.26 * looks.jaw[:, None]) * below**1.5
    x = looks.width[:, None] * np.sign(np.cos(angle)) * abs(np.cos(angle)) ** 0.9 * taper
    return points(x, np.sin(angle))


def _head(looks: Looks) -> list[Part]:
    """The head, the darker side of it, and cheeks."""
    oval = _outline(looks)
    # The side that is turned away lies in shade.
    away = np.where(looks.turn >= 0, -1.0, 1.0)[:, None]
    x, y = oval[..., 0], oval[..., 1]
    shaded = points(np.where(x * away > 0, x, 0.62 * abs(x) * away), y)
    blush = mix(looks.skin, np.array([214, 96, 88]), 0.2)
    cheeks = [
        ellipse(side * 0.4 + looks.turn, looks.nose_y + 0.08, 0.16, 0.11, 14) for side in (-1, 1)
    ]
    return [
        Part(oval, looks.skin),
        Part(shaded, shade(looks.skin, 0.93)),
        *(Part(cheek, blush, ~looks.has["Male"] | looks.has["Smiling"]) for cheek in cheeks),
    ]


def _eyes(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Whites, irises, pupils, glints, lids and brows."""
    n = len(looks.width)
    male = looks.has["Male"]
    iris = pick(rng, IRISES, n)
    gaze = rng.normal(0, 0.02, n)
    # A smile narrows the eyes a little.
    open_ = rng.normal(0.088, 0.01, n) - 0.014 * looks.has["Smiling"]
    lift = rng.normal(0, 0.02, n)
    thick = np.where(male, 0.075, 0.038) + rng.normal(0, 0.005, n)
    lid = np.where(male, 0.022, 0.045)[:, None]
    brow_colour = mix(shade(looks.hair, 0.62), DARK, 0.3)
    t = np.linspace(-1, 1, 9)
    parts = []
    for side in (-1, 1):
        x, y = side * looks.eye_x + looks.turn, looks.eye_y
        white = ellipse(x, y, 0.155, open_, 16)
        across = x[:, None] + 0.17 * t
        arch = y[:, None] - open_[:, None] * np.sqrt(1 - 0.96 * t**2)
        brow_y = (
            (y - 0.21 + lift)[:, None] + 0.045 * t**2 - 0.02 * side * t * (1 - 2 * male[:, None])
        )
        depth = thick[:, None] * (1 - 0.5 * (side * t > 0) * t**2)
        parts += [
            Part(ellipse(x, y - 0.01, 0.19, open_ + 0.05, 16), shade(looks.skin, 0.87)),
            Part(white, WHITE),
            Part(ellipse(x + gaze, y, 0.072, 0.85 * open_ + 0.006, 14), iris),
            Part(ellipse(x + gaze, y, 0.035, 0.04, 10), DARK),
            Part(ellipse(x + gaze - 0.03, y - 0.03, 0.018, 0.018, 6), WHITE),
            Part(band(across, arch - lid, arch + 0.012), DARK),
            Part(band(x[:, None] + 0.19 * t, brow_y - depth / 2, brow_y + depth / 2), brow_colour),
        ]
    return parts


def _nose(looks: Looks) -> list[Part]:
    """A shaded ridge, the ball of the nose and two nostrils; a big one is wide and long."""
    big = looks.has["Big_Nose"]
    wide = np.where(big, 0.21, 0.115)
    tip = looks.nose_y + np.where(big, 0.05, -0.01)
    x = 1.7 * looks.turn
    ridge_x = np.stack([looks.turn - 0.045, x - wide * 0.8, x + wide * 0.2, looks.turn + 0.01], 1)
    ridge_y = np.stack([looks.eye_y + 0.02, tip, tip, looks.eye_y + 0.02], 1)
    ball = ellipse(x, tip - 0.015, wide, np.where(big, 0.105, 0.065), 18)
    bridge = ellipse(x, tip - 0.05, 0.72 * wide, np.where(big, 0.1, 0.07), 18)
    nostrils = [
        ellipse(x + side * wide * 0.5, tip + 0.035, 0.26 * wide, 0.024, 8) for side in (-1, 1)
    ]
    return [
        Part(points(ridge_x, ridge_y), shade(looks.skin, 0.88)),
        Part(ball, shade(looks.skin, 0.8)),
        Part(bridge, shade(looks.skin, 1.04)),
        *(Part(nostril, shade(looks.skin, 0.45)) for nostril in nostrils),
    ]


def mouth(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Lips along a curve that a smile bends up at its ends, teeth in some smiles; a mustache."""
    n = len(looks.width)
    smiling, male = looks.has["Smiling"], looks.has["Male"]
    half = np.where(smiling, rng.uniform(0.31, 0.38, n), rng.uniform(0.2, 0.26, n))[:, None]
    bend = np.where(smiling, rng.uniform(0.12, 0.2, n), rng.uniform(-0.055, 0.0, n))[:, None]
    gap = np.where(smiling & (rng.random(n) < 0.75), rng.uniform(0.06, 0.13, n), 0.0)[:, None]
    full = np.where(male, 0.04, 0.062)[:, None]
    t = np.linspace(-1, 1, 13)
    x = 1.3 * looks.turn[:, None] + half * t
    line = looks.mouth_y[:, None] + bend * (0.4 - t**2)
    fade = 1 - t**2
    red = np.where(male[:, None], [168, 92, 84], [190, 58, 74])
    lips = mix(looks.skin, red, 0.75)
    bow = full * (fade + 0.25 * np.exp(-((abs(t) - 0.3) ** 2) * 30))
    low = line + gap * fade
    lower = band(x, line, low + 1.3 * full * fade + 0.012)
    teeth = band(x, line + 0.01, line + np.minimum(gap, 0.1) * fade)
    mustache = band(
        1.3 * looks.turn[:, None] + 0.36 * t,
        looks.mouth_y[:, None] - 0.2 + 0.13 * t**2,
        looks.mouth_y[:, None] - 0.05 + 0.06 * t**2 - 0.03 * fade * (abs(t) < 0.12),
    )
    return [
        Part(lower, lips),
        Part(band(x, line, low), THROAT, gap[:, 0] > 0),
        Part(teeth, WHITE, gap[:, 0] > 0),
        Part(band(x, line - bow, line + 0.01), shade(lips, 0.86)),
        Part(band(x, line - 0.012, line + 0.014), shade(lips, 0.5), gap[:, 0] == 0),
        Part(mustache, shade(looks.hair, 0.72), looks.has["Mustache"]),
    ]


def _wrinkles(looks: Looks) -> list[Part]:
    """Lines of the not young: forehead, under the eyes, from nose to mouth."""
    old = ~looks.has["Young"]
    line = shade(looks.skin, 0.74)
    t = np.linspace(-1, 1, 7)
    x = looks.turn[:, None]
    parts = []
    for y in (-0.42, -0.53):
        curve = y + 0.03 * t**2
        parts.append(Part(band(x + 0.34 * t, curve, curve + 0.028), line, old))
    for side in (-1, 1):
        bag_x = x + side * looks.eye_x[:, None] + 0.14 * t
        bag_y = looks.eye_y[:, None] + 0.17 - 0.05 * t**2
        fold_x = x + side * (0.25 + 0.09 * (t + 1) / 2 + 0.03 * (1 - t**2))
        fold_y = looks.nose_y[:, None] - 0.02 + 0.27 * (t + 1) / 2
        fold = points(
            np.concatenate([fold_x, fold_x[:, ::-1] + side * 0.035], 1),
            np.concatenate([fold_y, fold_y[:, ::-1]], 1),
        )
        parts += [Part(band(bag_x, bag_y, bag_y + 0.026), line, old), Part(fold, line, old)]
    return parts


def _body(rng: np.random.Generator, looks: Looks) -> list[Part]:
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


def _hair(rng: np.random.Generator, looks: Looks) -> list[Part]:
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


def _hat(rng: np.random.Generator, looks: Looks) -> list[Part]:
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


def _glasses(rng: np.random.Generator, looks: Looks) -> list[Part]:
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
