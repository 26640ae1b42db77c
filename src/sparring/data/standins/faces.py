"""Toy faces, the stand-in for CelebA: drawn heads whose attributes are known exactly.

Knows how common the attributes are together, and how a whole batch of faces is painted; what a
face consists of is in `parts`. The names and rough frequencies of the attributes are CelebA's.
"""

from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from sparring.data.standins.looks import Array, Part, draw_looks
from sparring.data.standins.parts import parts_of

SIZE = 64
OVERSAMPLE = 3  # each pixel is the mean of this many, squared, that were drawn
CHUNK = 500


def split(rng: np.random.Generator, n: int, *, testing: bool) -> tuple[Tensor, Tensor]:
    """Draw uint8 [n, 3, 64, 64] and ten attributes, int64 [n, 10] in {0, 1}; both splits alike."""
    has = _attributes(rng, n)
    pixels = torch.empty(n, 3, SIZE, SIZE, dtype=torch.uint8)
    for start in range(0, n, CHUNK):
        some = {name: values[start : start + CHUNK] for name, values in has.items()}
        pixels[start : start + CHUNK] = _photograph(rng, _paint(_face(rng, some)))
    labels = np.stack([*has.values()], axis=1).astype(np.int64)
    return pixels, torch.from_numpy(labels)


def _attributes(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Draw attributes, bool [n] each, with about CelebA's frequencies by sex and age."""

    def draw(chance: np.ndarray | float) -> np.ndarray:
        return rng.random(n) < chance

    male = draw(0.42)
    young = draw(np.where(male, 0.65, 0.87))
    hat = draw(np.where(male, 0.09, 0.03))
    return {
        "Smiling": draw(np.where(male, 0.40, 0.54)),
        "Male": male,
        "Eyeglasses": draw(np.where(male, 0.14, 0.04) + 0.1 * ~young),
        "Young": young,
        "Blond_Hair": draw(np.where(male, 0.05, 0.24)),
        "Mustache": draw(np.where(male, 0.12, 0.0)),
        "Bangs": draw(np.where(male, 0.1, 0.22)) & ~hat,
        "Wearing_Hat": hat,
        "Big_Nose": draw(np.where(male, 0.42, 0.11)),
        "Pale_Skin": draw(0.06),
    }


def _face(rng: np.random.Generator, has: Mapping[str, Array]) -> list[Part]:
    """Draw faces with these attributes (bool [N] each): their parts, back to front.

    Each is turned, scaled to two thirds and shifted a little in its image.
    """
    parts = parts_of(rng, draw_looks(rng, has))
    n = len(parts[0].points)
    angle = np.deg2rad(rng.normal(0, 5, n))
    scale = rng.normal(0.64, 0.03, n)
    cos, sin = (scale * part for part in (np.cos(angle), np.sin(angle)))
    turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)
    shift = rng.normal((0, 0.02), 0.035, (n, 1, 2))
    return [Part(part.points @ turn + shift, part.colour, part.shown) for part in parts]


def _paint(parts: list[Part]) -> Tensor:
    """Paint the parts, back to front: float32 [N, 4, 64, 64], colour times cover, and cover."""
    n, side = len(parts[0].points), SIZE * OVERSAMPLE
    centre = side / 2
    corners = [(part.points * centre + centre).reshape(n, -1).tolist() for part in parts]
    colours = [np.broadcast_to(part.colour, (n, 3)).astype(int).tolist() for part in parts]
    shown = [np.broadcast_to(part.shown, n) for part in parts]
    painted = np.empty((n, SIZE, SIZE, 4), np.float32)
    for k in range(n):
        # Four plain bands: with "RGBA", Pillow's reduce would undo colour times cover.
        canvas = Image.new("RGBX", (side, side))
        polygon = ImageDraw.Draw(canvas).polygon
        for on, corner, colour in zip(shown, corners, colours, strict=True):
            if on[k]:
                polygon(corner[k], (*colour[k], 255))
        painted[k] = np.asarray(canvas.reduce(OVERSAMPLE))
    return torch.from_numpy(painted).permute(0, 3, 1, 2)


def _photograph(rng: np.random.Generator, painted: Tensor) -> Tensor:
    """Set the faces before soft backgrounds, light them, add grain: uint8 [N, 3, 64, 64]."""
    n = len(painted)
    base = rng.uniform(20, 235, (n, 1, 1, 1)) + rng.normal(0, 14, (n, 3, 1, 1))
    coarse = base + rng.normal(0, 22, (n, 1, 4, 4)) + rng.normal(0, 6, (n, 3, 4, 4))
    behind = F.interpolate(torch.from_numpy(coarse).float(), SIZE, mode="bicubic")
    scene = painted[:, :3] + (1 - painted[:, 3:] / 255) * behind.clamp(0, 255)
    axis = torch.linspace(-1, 1, SIZE)
    slope = torch.from_numpy(rng.normal(0, 0.1, (2, n, 1, 1, 1))).float()
    light = 1 + slope[0] * axis + 0.6 * slope[1] * axis[:, None]
    exposure = torch.from_numpy(rng.uniform(0.85, 1.1, (n, 1, 1, 1))).float()
    grain = torch.from_numpy(rng.standard_normal(scene.shape, np.float32)) * 2.5
    return (scene * light * exposure + grain).clamp(0, 255).byte()
