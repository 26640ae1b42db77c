import pytest
import torch

from sparring.methods.adaptive_augmentation import AdaptiveAugmentation, held_out


def test_a_share_of_the_images_is_augmented_at_first_none() -> None:
    augmentation, image = AdaptiveAugmentation(), torch.rand(2000, 3, 16, 16) * 2 - 1
    assert torch.equal(augmentation(image), image)
    augmentation.share.fill_(0.25)
    changed = (augmentation(image) != image).flatten(1).any(1)
    assert changed.float().mean().item() == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize(
    ("kept", "fake", "by_heart", "share"),
    [(-0.5, -3.0, 3.5 / 6, 0.52), (0.5, -3.0, 2.5 / 6, 0.48), (-0.5, 4.0, 3.5, 0.48)],
    ids=["held-out images look generated", "they look real", "nothing is told apart"],
)
def test_the_share_follows_whether_real_images_are_learned_by_heart(
    kept: float, fake: float, by_heart: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 batches of 10 images go a fiftieth of the way."""
    augmentation = AdaptiveAugmentation()
    augmentation.share.fill_(0.5)
    augmentation.told_apart.fill_(float(fake < 0))
    real, apart = torch.tensor([3.0] * 8 + [kept] * 2), torch.tensor([False] * 8 + [True] * 2)
    monkeypatch.setattr(f"{AdaptiveAugmentation.__module__}.held_out", lambda image: apart)
    augmentation.step()  # nothing was seen
    augmentation.learned(torch.zeros(10, 3, 4, 4), real, torch.full((10,), fake))
    for _ in range(100):
        augmentation.step()
    assert augmentation.share.item() == pytest.approx(share, abs=1e-4)
    assert augmentation.by_heart.item() == pytest.approx(by_heart, abs=1e-4)
    for _ in range(2500):
        augmentation.step()
    assert augmentation.share.item() == round(share)  # and no further


def test_pairs_in_the_right_order_are_counted_lately_without_held_out_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    augmentation, apart = AdaptiveAugmentation(), torch.tensor([False, False, False, True])
    monkeypatch.setattr(f"{AdaptiveAugmentation.__module__}.held_out", lambda image: apart)
    real, fake = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([0.0, 3.0, 0.0, 0.0])
    augmentation.learned(torch.zeros(4, 3, 4, 4), real, fake)
    augmentation.step()
    assert augmentation.told_apart.item() == pytest.approx(0.99 * 0.5 + 0.01 * 2 / 3)


def test_one_in_sixteen_is_held_out_the_same_in_each_epoch() -> None:
    image = torch.randint(256, (4000, 3, 8, 8), generator=torch.Generator().manual_seed(0))
    image = image / 127.5 - 1
    apart = held_out(image)
    assert apart.float().mean().item() == pytest.approx(1 / 16, abs=0.012)
    assert torch.equal(held_out(image.flip(3)), apart)
    larger = image.repeat_interleave(2, 2).repeat_interleave(2, 3)  # sums are multiples of four
    assert held_out(larger).float().mean().item() == pytest.approx(1 / 16, abs=0.012)
