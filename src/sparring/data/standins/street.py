"""Street digits, the stand-in for SVHN: printed numbers as a camera sees them on a house.

Knows the fonts that matplotlib ships; knows no real photograph. The digit in the middle is the
label, its neighbours intrude from the sides. Four of the fonts are seen in the test split alone.
"""

from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter
from torch import Tensor

from sparring.data.images import DIGITS
from sparring.data.standins.warp import Pose, grid, homographies, sample, wobble

SIZE = 32
CELL = 64
TRAIN_FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-BoldOblique", "DejaVuSansMono"),
    *("DejaVuSansMono-Oblique", "DejaVuSerif", "DejaVuSerif-Italic", "STIXGeneral"),
    *("STIXGeneralBolIta", "cmr10", "cmss10", "cmtt10"),
)
TEST_FONTS = (*TRAIN_FONTS, "DejaVuSansMono-Bold", "DejaVuSerif-Bold", "STIXGeneralBol", "cmb10")
# House numbers begin with small digits, so these are commoner, as in SVHN.
FREQUENCIES = np.array([7, 17, 14, 11, 10, 10, 8, 8, 7, 8]) / 100
POSE = Pose((0.7, 1.0), (0.7, 1.15), rotation=8, shear=0.2, shift=0.1, perspective=0.1)
BLURS = (0.3, 0.5, 0.7, 0.9, 1.1)


def split(rng: np.random.Generator, n: int, *, testing: bool) -> tuple[Tensor, Tensor]:
    """Draw uint8 [n, 3, 32, 32] and labels of ten slightly skewed classes, int64 [n]."""
    labels = rng.choice(10, n, p=FREQUENCIES)
    scene = _paint(rng, _writing(rng, labels, TEST_FONTS if testing else TRAIN_FONTS))
    pixels = torch.from_numpy(_photograph(rng, scene)).permute(0, 3, 1, 2).contiguous()
    return pixels, torch.from_numpy(labels)


def _writing(rng: np.random.Generator, labels: np.ndarray, fonts: tuple[str, ...]) -> np.ndarray:
    """Cover of the digits and their neighbours: float32 [N, 32, 32] in [0, 1]."""
    n = len(labels)
    glyphs, widths = _glyphs(fonts)
    font = rng.integers(0, len(fonts), n)
    where = grid(homographies(rng, n, POSE), SIZE) + wobble(rng, n, SIZE, 0.05)
    cover = sample(glyphs[font, labels], where)
    gap = rng.uniform(0.05, 0.35, n)
    for side in (-1, 1):
        other = rng.integers(0, 10, n)
        # A lone digit, or the end of a number, has no neighbour on this side.
        there = torch.from_numpy(rng.random(n) < 0.45).float()
        step = (widths[font, labels] + widths[font, other]) / 2 + gap
        beside = where.clone()
        beside[..., 0] -= side * torch.from_numpy(step).float()[:, None, None]
        neighbour = sample(glyphs[font, other], beside) * there[:, None, None]
        cover = torch.maximum(cover, neighbour)
    return cover.numpy()


def _glyphs(fonts: tuple[str, ...]) -> tuple[Tensor, np.ndarray]:
    """Every font's digits, centred in cells float32 [F, 10, 64, 64] of height 2; widths [F, 10]."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    cells = np.zeros((len(fonts), 10, CELL, CELL), np.float32)
    widths = np.zeros((len(fonts), 10))
    for f, name in enumerate(fonts):
        font = ImageFont.truetype(folder / f"{name}.ttf", 96)
        for digit, text in enumerate(DIGITS):
            ink = Image.new("L", (160, 160))
            ImageDraw.Draw(ink).text((40, 20), text, fill=255, font=font)
            glyph = ink.crop(ink.getbbox())
            width = min(CELL, round(glyph.width * CELL / glyph.height))
            left = (CELL - width) // 2
            resized = np.asarray(glyph.resize((width, CELL), Image.Resampling.BOX))
            cells[f, digit, :, left : left + width] = resized / np.float32(255)
            widths[f, digit] = 2 * width / CELL
    return torch.from_numpy(cells), widths


def _paint(rng: np.random.Generator, cover: np.ndarray) -> np.ndarray:
    """Give writing and wall their colours: float32 [N, 32, 32, 3], about 0 to 255."""
    n = len(cover)
    wall = rng.uniform(25, 230, n)
    contrast = rng.uniform(60, 180, n)
    # Lighter or darker than the wall, towards the side that has room.
    lighter = rng.random(n) < (235 - wall) / 215
    ink = np.where(lighter, wall + contrast, wall - contrast)
    tints = rng.normal(0, 18, (2, n, 1, 1, 3))
    wall_colour = wall[:, None, None, None] + tints[0] + 0.6 * _ramp(rng, n, 25)
    ink_colour = ink[:, None, None, None] + tints[1]
    painted = wall_colour + cover[..., None] * (ink_colour - wall_colour)
    return painted.astype(np.float32)


def _ramp(rng: np.random.Generator, n: int, amount: float) -> np.ndarray:
    """Linear ramps in random directions, at most about `amount` from the middle: [N, 32, 32, 1]."""
    axis = np.linspace(-1, 1, SIZE)
    slope = rng.normal(0, amount / 2, (2, n, 1, 1))
    return (slope[0] * axis[None, None] + slope[1] * axis[None, :, None])[..., None]


def _photograph(rng: np.random.Generator, scene: np.ndarray) -> np.ndarray:
    """Light, blur and grain of a small photograph: uint8 [N, 32, 32, 3]."""
    n = len(scene)
    lit = scene * (1 + _ramp(rng, n, 0.2)).astype(np.float32)
    blur = rng.integers(0, len(BLURS), n)
    for index, sigma in enumerate(BLURS):
        mine = blur == index
        lit[mine] = gaussian_filter(lit[mine], (0, sigma, sigma, 0), mode="nearest")
    grain = rng.standard_normal(lit.shape, np.float32)
    grain *= rng.uniform(0, 8, (n, 1, 1, 1)).astype(np.float32)
    return np.clip(lit + grain, 0, 255).astype(np.uint8)
