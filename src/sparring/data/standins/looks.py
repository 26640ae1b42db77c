"""What tells one toy face from another: its attributes, its measures and its colours.

Knows the frame of a face: the head is centred on the origin, its chin near y = 1 and its crown
near y = -1, y down. Knows nothing of polygons.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sparring.data.standins.shapes import Array, pick

SKINS = np.array(
    [[244, 208, 177], [231, 184, 147], [214, 160, 120], [176, 122, 85], [126, 82, 56], [90, 58, 41]]
)
PALE = np.array([250, 233, 222])
HAIRS = np.array([[28, 24, 24], [62, 40, 28], [98, 62, 36], [134, 74, 40]])
BLOND = np.array([226, 192, 118])
GREY = np.array([178, 176, 174])


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
