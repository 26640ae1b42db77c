"""What a toy face consists of: flat polygons for hair, head, eyes, nose, mouth, glasses and hat.

Knows how each attribute looks; knows no pixels. All faces of a batch are shaped at once. In a
face's own frame the head is centred on the origin, its chin near y = 1 and its crown near y = -1,
y down; `Part` holds points in the image's frame, which spans [-1, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

Array = np.ndarray

SKINS = np.array(
    [[244, 208, 177], [231, 184, 147], [214, 160, 120], [176, 122, 85], [126, 82, 56], [90, 58, 41]]
)
PALE = np.array([250, 233, 222])
HAIRS = np.array([[28, 24, 24], [62, 40, 28], [98, 62, 36], [134, 74, 40]])
BLOND = np.array([226, 192, 118])
GREY = np.array([178, 176, 174])
IRISES = np.array([[74, 48, 30], [98, 70, 40], [70, 110, 150], [84, 120, 84]])
CLOTHES = np.array(
    [[40, 48, 70], [150, 40, 46], [230, 228, 222], [58, 100, 84], [90, 90, 96], [190, 140, 70]]
)
WHITE = np.array([248, 246, 242])
DARK = np.array([34, 26, 26])


@dataclass(frozen=True)
class Part:
    """One polygon of every face of a batch.

    points: float [N, P, 2] as (x, y). colour: float [N, 3], 0 to 255. shown: bool [N].
    """

    points: Array
    colour: Array
    shown: Array


@dataclass(frozen=True)
class Looks:
    """The measures of N faces, float [N] or [N, 3], in the face's own frame."""

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


def face(rng: np.random.Generator, has: Mapping[str, Array]) -> list[Part]:
    """Draw faces with these attributes (bool [N] each): their parts, back to front."""
    looks = _looks(rng, has)
    parts = [
        *_body(rng, looks),
        *_head(looks),
        *_eyes(rng, looks),
        *_nose(looks),
        *_mouth(rng, looks),
        *_age(looks),
        *_hair(rng, looks),
        *_hat(rng, looks),
        *_glasses(rng, looks),
    ]
    return _pose(rng, parts)


def _looks(rng: np.random.Generator, has: Mapping[str, Array]) -> Looks:
    male = has["Male"]
    n = len(male)
    skin = _pick(rng, SKINS, n, p=[0.26, 0.27, 0.2, 0.13, 0.09, 0.05]) + rng.normal(0, 5, (n, 3))
    skin = np.where(has["Pale_Skin"][:, None], PALE + rng.normal(0, 3, (n, 3)), skin)
    hair = _pick(rng, HAIRS, n) + rng.normal(0, 6, (n, 3))
    grey = ~has["Young"] & (rng.random(n) < 0.7)
    hair = np.where(grey[:, None], GREY + rng.normal(0, 14, (n, 1)), hair)
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
        hair=np.clip(np.where(has["Blond_Hair"][:, None], blond, hair), 0, 255),
    )


def _pick(rng: np.random.Generator, colours: Array, n: int, p: list[float] | None = None) -> Array:
    return colours[rng.choice(len(colours), n, p=p)].astype(float)


def _shade(colour: Array, factor: float) -> Array:
    return np.clip(colour * factor, 0, 255)


def _mix(colour: Array, other: Array, share: float) -> Array:
    return colour + share * (other - colour)


def _points(x: Array, y: Array) -> Array:
    """Join x and y, broadcast to [N, P], into points [N, P, 2]."""
    return np.stack(np.broadcast_arrays(x, y), axis=-1)


def _ellipse(x: Array, y: Array, rx: Array, ry: Array, corners: int = 20) -> Array:
    """Ellipses round (x, y); all four are [N]."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return _points(
        x[:, None] + rx[:, None] * np.cos(angle), y[:, None] + ry[:, None] * np.sin(angle)
    )


def _band(x: Array, top: Array, bottom: Array) -> Array:
    """The area between two curves over the same x: all [N, P]."""
    return _points(np.concatenate([x, x[:, ::-1]], 1), np.concatenate([top, bottom[:, ::-1]], 1))


def _outline(looks: Looks, grow: float = 0.0, corners: int = 40) -> Array:
    """The head's outline, from the right ear down: an egg whose chin squares with the jaw."""
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    below = np.clip(np.sin(angle), 0, 1)
    # A fuller jaw keeps the width further down.
    taper = 1 - (0.34 - 0.26 * looks.jaw[:, None]) * below**1.5
    x = (looks.width[:, None] + grow) * np.sign(np.cos(angle)) * abs(np.cos(angle)) ** 0.9 * taper
    return _points(x, (1 + grow) * np.sin(angle))


def _body(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Long hair behind, shoulders, neck and ears."""
    n = len(looks.width)
    female, all_ = ~looks.has["Male"], np.ones(n, bool)
    zero, one = np.zeros(n), np.ones(n)
    long = female & (rng.random(n) < 0.8)
    mane_width = looks.width + rng.uniform(0.14, 0.34, n)
    angle = np.linspace(np.pi, 2 * np.pi, 16)
    arc_x, arc_y = mane_width[:, None] * np.cos(angle), -0.1 + 1.06 * np.sin(angle)
    end = rng.uniform(0.9, 1.9, n)[:, None]
    tips = _points(mane_width[:, None] * np.array([1.02, 0.7, -0.7, -1.02]), end)
    mane = np.concatenate([_points(arc_x, arc_y), tips], axis=1)
    broad = np.where(looks.has["Male"], 1.55, 1.25) + rng.normal(0, 0.06, n)
    neck = 0.34 + 0.1 * looks.has["Male"]
    throat = np.array([-1.0, -1.15, 1.15, 1.0])
    neck_points = _points(neck[:, None] * throat, np.array([0.5, 1.5, 1.5, 0.5]))
    v_neck = _points(neck[:, None] * np.array([-1.15, 0, 1.15]), np.array([1.4, 1.85, 1.4]))
    cloth = _pick(rng, CLOTHES, n) + rng.normal(0, 10, (n, 3))
    shadow = _shade(looks.skin, 0.8)
    ears = [
        _ellipse(side * looks.width * 0.99, zero + 0.05, 0.1 * one, 0.19 * one, 12)
        for side in (-1, 1)
    ]
    return [
        Part(mane, _shade(looks.hair, 0.78), long),
        Part(_ellipse(zero, 2.3 * one, broad, 0.98 * one, 32), np.clip(cloth, 0, 255), all_),
        Part(v_neck, shadow, all_),
        Part(neck_points, shadow, all_),
        *(Part(ear, _shade(looks.skin, 0.88), all_) for ear in ears),
    ]


def _head(looks: Looks) -> list[Part]:
    """The head, the darker side of it, and cheeks."""
    n = len(looks.width)
    all_ = np.ones(n, bool)
    head = _outline(looks)
    # The side that is turned away lies in shade.
    side = np.where(looks.turn >= 0, -1.0, 1.0)[:, None]
    x, y = head[..., 0], head[..., 1]
    shaded = _points(np.where(x * side > 0, x, 0.62 * abs(x) * side), y)
    blush = _mix(looks.skin, np.array([214, 96, 88]), 0.2)
    cheeks = [
        _ellipse(at * 0.4 + looks.turn, looks.nose_y + 0.08, 0 * at + 0.16, 0 * at + 0.11, 14)
        for at in (-np.ones(n), np.ones(n))
    ]
    return [
        Part(head, looks.skin, all_),
        Part(shaded, _shade(looks.skin, 0.93), all_),
        *(Part(cheek, blush, ~looks.has["Male"] | looks.has["Smiling"]) for cheek in cheeks),
    ]


def _eyes(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Whites, irises, pupils, glints, lids and brows."""
    n = len(looks.width)
    all_, one = np.ones(n, bool), np.ones(n)
    male = looks.has["Male"]
    iris = _pick(rng, IRISES, n)
    gaze = rng.normal(0, 0.02, n)
    # A smile narrows the eyes a little.
    open_ = rng.normal(0.088, 0.01, n) - 0.014 * looks.has["Smiling"]
    lift = rng.normal(0, 0.02, n)
    thick = np.where(male, 0.075, 0.038) + rng.normal(0, 0.005, n)
    lid = np.where(male, 0.022, 0.045)[:, None]
    brow_colour = _mix(_shade(looks.hair, 0.62), DARK, 0.3)
    t = np.linspace(-1, 1, 9)
    parts = []
    for side in (-1, 1):
        x, y = side * looks.eye_x + looks.turn, looks.eye_y
        white = _ellipse(x, y, 0.155 * one, open_, 16)
        across = x[:, None] + 0.17 * t
        arch = y[:, None] - open_[:, None] * np.sqrt(1 - 0.96 * t**2)
        brow_y = (y - 0.21 + lift)[:, None] + 0.045 * t**2 - 0.02 * side * t * (1 - 2 * male[:, None])
        body = thick[:, None] * (1 - 0.5 * (side * t > 0) * t**2)
        parts += [
            Part(_ellipse(x, y - 0.01, 0.19 * one, open_ + 0.05, 16), _shade(looks.skin, 0.87), all_),
            Part(white, WHITE + 0 * iris, all_),
            Part(_ellipse(x + gaze, y, 0.072 * one, 0.85 * open_ + 0.006, 14), iris, all_),
            Part(_ellipse(x + gaze, y, 0.035 * one, 0.04 * one, 10), DARK + 0 * iris, all_),
            Part(_ellipse(x + gaze - 0.03, y - 0.03, 0.018 * one, 0.018 * one, 6), WHITE + 0 * iris, all_),
            Part(_band(across, arch - lid, arch + 0.012), DARK + 0 * iris, all_),
            Part(_band(x[:, None] + 0.19 * t, brow_y - body / 2, brow_y + body / 2), brow_colour, all_),
        ]
    return parts


def _nose(looks: Looks) -> list[Part]:
    """A shaded ridge, the ball of the nose and two nostrils; a big one is wide and long."""
    n = len(looks.width)
    all_, big = np.ones(n, bool), looks.has["Big_Nose"]
    wide = np.where(big, 0.21, 0.115)
    tip = looks.nose_y + np.where(big, 0.05, -0.01)
    x = 1.7 * looks.turn
    ridge_x = np.stack([looks.turn - 0.045, x - wide * 0.8, x + wide * 0.2, looks.turn + 0.01], 1)
    ridge_y = np.stack([looks.eye_y + 0.02, tip, tip, looks.eye_y + 0.02], 1)
    ball = _ellipse(x, tip - 0.015, wide, np.where(big, 0.105, 0.065), 18)
    bridge = _ellipse(x, tip - 0.05, 0.72 * wide, np.where(big, 0.1, 0.07), 18)
    nostrils = [
        _ellipse(x + side * wide * 0.5, tip + 0.035, 0.26 * wide, 0 * wide + 0.024, 8)
        for side in (-1, 1)
    ]
    return [
        Part(_points(ridge_x, ridge_y), _shade(looks.skin, 0.88), all_),
        Part(ball, _shade(looks.skin, 0.8), all_),
        Part(bridge, _shade(looks.skin, 1.04), all_),
        *(Part(nostril, _shade(looks.skin, 0.45), all_) for nostril in nostrils),
    ]


def _mouth(rng: np.random.Generator, looks: Looks) -> list[Part]:
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
    round_ = 1 - t**2
    red = np.where(male[:, None], [168, 92, 84], [190, 58, 74])
    lips = _mix(looks.skin, red, 0.75)
    bow = full * (round_ + 0.25 * np.exp(-((abs(t) - 0.3) ** 2) * 30))
    low = line + gap * round_
    lower = _band(x, line, low + 1.3 * full * round_ + 0.012)
    teeth = _band(x * 1.0, line + 0.01, line + np.minimum(gap, 0.1) * round_)
    above = line - 0.035 - 0.06 * round_
    mustache = _band(
        1.3 * looks.turn[:, None] + 0.36 * t,
        looks.mouth_y[:, None] - 0.2 + 0.13 * t**2,
        looks.mouth_y[:, None] - 0.05 + 0.06 * t**2 - 0.03 * round_ * (abs(t) < 0.12),
    )
    return [
        Part(lower, lips, np.ones(n, bool)),
        Part(_band(x, line, low), DARK + [60, 10, 14] + 0 * lips, gap[:, 0] > 0),
        Part(teeth, WHITE + 0 * lips, gap[:, 0] > 0),
        Part(_band(x, line - bow, line + 0.01), _shade(lips, 0.86), np.ones(n, bool)),
        Part(_band(x, line - 0.012, line + 0.014), _shade(lips, 0.5), gap[:, 0] == 0),
        Part(mustache, _shade(looks.hair, 0.72), looks.has["Mustache"]),
    ]


def _age(looks: Looks) -> list[Part]:
    """Lines of the not young: forehead, under the eyes, from nose to mouth."""
    old = ~looks.has["Young"]
    line = _shade(looks.skin, 0.74)
    t = np.linspace(-1, 1, 7)
    x = looks.turn[:, None]
    parts = []
    for y in (-0.42, -0.53):
        curve = y + 0.03 * t**2 + 0 * x
        parts.append(Part(_band(x + 0.34 * t, curve, curve + 0.028), line, old))
    for side in (-1, 1):
        bag_x = x + side * looks.eye_x[:, None] + 0.14 * t
        bag_y = looks.eye_y[:, None] + 0.17 - 0.05 * t**2
        fold_x = x + side * (0.25 + 0.09 * (t + 1) / 2 + 0.03 * (1 - t**2))
        fold_y = looks.nose_y[:, None] - 0.02 + 0.27 * (t + 1) / 2
        fold = _points(
            np.concatenate([fold_x, fold_x[:, ::-1] + side * 0.035], 1),
            np.concatenate([fold_y, fold_y[:, ::-1]], 1),
        )
        parts += [Part(_band(bag_x, bag_y, bag_y + 0.026), line, old), Part(fold, line, old)]
    return parts


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
    drop = abs(inner_t - part_x) ** 2.2
    inner_x = looks.width[:, None] * 0.95 * inner_t
    inner_y = np.minimum(line + 0.5 * drop + 0.25 * inner_t**6, 0.0)
    cap = _points(
        np.concatenate([outer_x, inner_x], 1),
        np.concatenate([outer_y, inner_y], 1),
    )
    sides = np.where(male, rng.uniform(0.02, 0.2, n), rng.uniform(0.55, 1.3, n))
    inward = np.where(male, 0.09, 0.15)
    parts = [Part(cap, looks.hair, np.ones(n, bool))]
    for side in (-1, 1):
        edge = side * (looks.width + np.where(male, 0.02, 0.16))
        inner = side * (looks.width - inward)
        lock_x = np.stack([inner, edge * 0.9, edge, edge, inner + side * 0.1], 1)
        lock_y = np.stack([0 * edge - 0.5, 0 * edge - 0.75, 0 * edge - 0.2, sides, sides], 1)
        parts.append(Part(_points(lock_x, lock_y), _shade(looks.hair, 0.9), np.ones(n, bool)))
    shine_t = np.linspace(-0.75, 0.1, 7)
    shine_y = -0.93 + 0.45 * shine_t**2 - puff / 2
    shine = _band(looks.width[:, None] * shine_t - 0.1 * part_x, shine_y, shine_y + 0.06)
    teeth = np.linspace(-0.88, 0.88, 13)
    jag = np.where(np.arange(13) % 2, 0.05, 0.0) + rng.uniform(0, 0.03, (n, 13))
    low = looks.eye_y[:, None] - 0.2 + jag
    fringe = _band(
        looks.width[:, None] * teeth, -0.62 - 0.3 * (1 - teeth**2) + 0 * low, low + 0.1 * teeth**4
    )
    bangs = looks.has["Bangs"]
    return [
        *parts,
        Part(fringe, _shade(looks.hair, 0.95), bangs),
        Part(shine, _mix(looks.hair, WHITE, 0.16), np.ones(n, bool)),
    ]


def _hat(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Crown, band and brim."""
    n = len(looks.width)
    on = looks.has["Wearing_Hat"]
    colour = np.clip(_pick(rng, CLOTHES, n) + rng.normal(0, 14, (n, 3)), 0, 255)
    rim = rng.uniform(-0.52, -0.42, n)[:, None]
    up = np.linspace(np.pi, 2 * np.pi, 16)
    wide = looks.width[:, None] + 0.16
    crown = _points(wide * np.sign(np.cos(up)) * abs(np.cos(up)) ** 0.6, rim + 0.85 * np.sin(up))
    t = np.linspace(-1, 1, 11)
    reach = rng.choice([1.02, 1.4], n)[:, None]
    curve = rim + 0.05 * (1 - t**2)
    return [
        Part(crown, colour, on),
        Part(_band(wide * t, curve - 0.2, curve), _shade(colour, 0.6), on),
        Part(_band(wide * reach * t, curve - 0.04, curve + 0.1), _shade(colour, 0.8), on),
    ]


def _glasses(rng: np.random.Generator, looks: Looks) -> list[Part]:
    """Two rims drawn as rings, so the eyes show through; a bridge and two temples."""
    n = len(looks.width)
    on = looks.has["Eyeglasses"]
    frame = _pick(rng, np.array([[22, 22, 26], [70, 40, 26], [110, 20, 30]]), n)
    square = rng.uniform(0.55, 1, n)[:, None]
    angle = np.linspace(0, 2 * np.pi, 25)
    cos, sin = (np.sign(v) * abs(v) ** square for v in (np.cos(angle), np.sin(angle)))
    y = looks.eye_y + 0.02
    parts = []
    for side in (-1, 1):
        x = side * looks.eye_x + looks.turn
        # Out along the outer edge, back along the inner: one polygon with a hole.
        rings = [
            _points(x[:, None] + rx * cos, y[:, None] + ry * sin)
            for rx, ry in ((0.275, 0.205), (0.225, 0.155))
        ]
        ring = np.concatenate([rings[0], rings[1][:, ::-1]], axis=1)
        ear = side * looks.width
        near = x + side * 0.25
        temple_x = np.stack([near, ear, ear, near], 1)
        temple_y = y[:, None] + np.array([-0.07, -0.09, -0.03, -0.01])
        parts += [Part(ring, frame, on), Part(_points(temple_x, temple_y), frame, on)]
    bridge_x = looks.turn[:, None] + np.array([-0.07, 0.07, 0.07, -0.07])
    bridge = _points(bridge_x, y[:, None] + np.array([-0.05, -0.05, 0.0, 0.0]))
    return [*parts, Part(bridge, frame, on)]


def _pose(rng: np.random.Generator, parts: list[Part]) -> list[Part]:
    """Place each face in its image: turned a little, scaled to about half its height, shifted."""
    n = len(parts[0].shown)
    angle = np.deg2rad(rng.normal(0, 5, n))
    scale = rng.normal(0.56, 0.03, n)
    cos, sin = (scale * part for part in (np.cos(angle), np.sin(angle)))
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)
    shift = rng.normal(0, 0.035, (n, 1, 2)) + [0, 0.04]
    return [Part(part.points @ turn + shift, part.colour, part.shown) for part in parts]
