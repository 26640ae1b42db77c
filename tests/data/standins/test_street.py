import itertools

import numpy as np
import pytest
import torch

from sparring.data.standins import draw, street


def test_some_fonts_are_seen_in_the_test_split_alone() -> None:
    assert len(set(street.TEST_FONTS) - set(street.TRAIN_FONTS)) == 4
    assert len(set(street.TEST_FONTS)) == len(street.TEST_FONTS) == 16


def test_every_font_draws_ten_different_digits() -> None:
    glyphs, widths = street._glyphs(street.TEST_FONTS)
    for font in glyphs:
        for one, other in itertools.combinations(font, 2):
            assert (one - other).abs().mean() > 0.02
    # A glyph fills its cell from top to bottom and is as wide as stated.
    assert glyphs[..., 0, :].amax(-1).min() > 0
    assert glyphs[..., -1, :].amax(-1).min() > 0
    stated = torch.from_numpy(widths) * street.CELL / 2
    columns = (glyphs.amax(2) > 0).sum(-1)
    assert (columns - stated).abs().max() <= 2


def test_label_is_the_digit_in_the_middle() -> None:
    rng = np.random.default_rng(0)
    labels = [np.repeat(np.arange(10), n) for n in (80, 20)]
    drawn = [
        torch.from_numpy(street._writing(rng, digits, street.TRAIN_FONTS)) for digits in labels
    ]
    middle = [cover[:, :, 8:24].flatten(1) for cover in drawn]
    means = middle[0].view(10, 80, -1).mean(1)
    nearest = torch.cdist(middle[1], means).argmin(1).numpy()
    assert (nearest == labels[1]).mean() > 0.6


def test_neighbours_stand_beside_the_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = torch.zeros(1, 10, 64, 64)
    blocks[..., 22:42] = 1
    widths = np.full((1, 10), 2 * 20 / 64)
    monkeypatch.setattr(street, "_glyphs", lambda fonts: (blocks, widths))
    monkeypatch.setattr(street, "wobble", lambda rng, n, size, amount: torch.zeros(1))
    cover = street._writing(np.random.default_rng(0), np.zeros(300, int), ("block",))
    row = cover[:, 16] > 0.5
    runs = (np.diff(row.astype(int), axis=1, prepend=0) == 1).sum(1)
    # None, one or two neighbours; there is always a gap between them and the digit.
    assert set(runs) == {1, 2, 3}


def test_classes_are_as_frequent_as_stated() -> None:
    labels = draw("street-digits", 2000, 1).train.labels
    assert labels is not None
    shares = torch.bincount(labels, minlength=10) / 2000
    assert street.FREQUENCIES.sum() == pytest.approx(1)
    assert np.abs(shares.numpy() - street.FREQUENCIES).max() < 0.03


def test_writing_is_lighter_or_darker_than_the_wall() -> None:
    cover = np.zeros((500, 32, 32), np.float32)
    cover[:, :, 16:] = 1
    painted = street._paint(np.random.default_rng(0), cover).mean(3)
    contrast = painted[:, :, 16:].mean((1, 2)) - painted[:, :, :16].mean((1, 2))
    assert 0.25 < (contrast > 0).mean() < 0.75
    assert np.median(abs(contrast)) > 80
