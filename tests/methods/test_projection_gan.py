"""The projection GAN by hand, and that it learns to draw what it is asked for."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from sparring.divergence import Monitor
from sparring.game import Labelled, Row, Shape, Unlabelled
from sparring.methods import ProjectionGAN
from sparring.methods.adaptive_augmentation import AdaptiveAugmentation
from sparring.trainer import Trainer, Training

CPU = torch.device("cpu")
SIZE = 16
SHAPES = {
    "none": Shape(SIZE),
    "classes": Shape(SIZE, ("red", "green", "blue"), "classes"),
    "attributes": Shape(SIZE, ("red", "bright"), "attributes"),
}


def built(kind: str = "attributes", **settings: object) -> ProjectionGAN:
    torch.manual_seed(0)
    method = ProjectionGAN(width=4, discriminator_width=8, noise_size=8, **settings)  # type: ignore[arg-type]
    method.build(SHAPES[kind])
    return method


def batch(count: int = 6) -> Labelled:
    image = torch.rand(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return Labelled(image, torch.tensor([[0.0, 1.0]] * count))


@pytest.mark.parametrize(
    ("loss", "contest", "praise"),
    [
        ("hinge", 0.5 + 3, -2),
        ("bce", 0.4740770 + 2.1269281, 0.1269280),
        ("relativistic", 1.7014133, 0.2014133),
    ],
)
def test_losses_by_hand(loss: str, contest: float, praise: float) -> None:
    method = built(loss=loss)
    real, fake = torch.tensor([0.5, 0.5]), torch.tensor([2.0, 2.0])
    assert method._contest(real, fake).item() == pytest.approx(contest)
    assert method._praise(fake, real).item() == pytest.approx(praise)


def test_each_player_has_its_rate_and_only_the_generator_a_running_mean() -> None:
    method = built()
    rates = {
        name: method.optimizer(name, list(net.parameters())).param_groups[0]["lr"]
        for name, net in method.players().items()
    }
    assert rates == {"reader": 1e-3, "discriminator": 4e-4, "generator": 2e-4}
    assert method.averaged == {"generator": 0.998}
    assert "reader" not in built("none").players()


def test_the_reader_learns_from_real_images_only_and_pays_the_generator() -> None:
    method, judged, read = built(augment=False), [], []
    method.discriminator.register_forward_hook(lambda m, i, o: judged.append(o))
    assert method.reader is not None
    method.reader.register_forward_hook(lambda m, i, o: read.append(o))
    on_d, on_reader, on_g = method.moves(batch(), 0.0)
    assert [move.player for move in (on_d, on_reader, on_g)] == [
        "discriminator",
        "reader",
        "generator",
    ]
    real, fake = judged[0].chunk(2)
    hinge = (1 - real).relu().mean() + (1 + fake).relu().mean()
    assert on_d.loss.item() == pytest.approx(hinge.item(), rel=1e-5)
    on_real, on_fake = (binary_cross_entropy_with_logits(one, batch().label) for one in read)
    assert on_reader.loss.item() == pytest.approx(on_real.item(), rel=1e-5)
    expected = -judged[1].mean() + 0.2 * on_fake
    assert on_g.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def seen(method: ProjectionGAN) -> list[Tensor]:
    """What the discriminator sees in a batch: real and generated images, then generated ones."""
    images: list[Tensor] = []
    method.discriminator.register_forward_pre_hook(lambda m, i: images.append(i[0]))
    list(method.moves(batch(), 0.0))
    return images


def test_real_and_generated_images_are_both_augmented() -> None:
    method = built()
    assert torch.equal(seen(method)[0][:6], batch().image)  # at first none is
    assert method.augmentation is not None
    method.augmentation.share.fill_(1.0)
    both, fake = seen(method)
    assert not torch.equal(both[:6], batch().image)
    assert not torch.equal(both[6:], fake)  # another view of the same fakes
    assert fake.requires_grad
    assert torch.equal(seen(built(augment=False))[0][:6], batch().image)


@pytest.mark.parametrize("loss", ["hinge", "bce", "relativistic"])
def test_the_discriminator_judges_held_out_images_and_learns_nothing_from_them(
    loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, logits = built(loss=loss), torch.linspace(-0.9, 0.9, 12, requires_grad=True)
    method.discriminator.register_forward_hook(lambda m, i, o: logits[: len(o)])
    apart = torch.tensor([True, False, False, True, False, False])
    monkeypatch.setattr(f"{AdaptiveAugmentation.__module__}.held_out", lambda image: apart)
    next(method.moves(batch(), 0.0)).loss.backward()
    assert logits.grad is not None
    assert (logits.grad[:6] == 0).tolist() == apart.tolist()
    assert (logits.grad[6:] > 0).all()


def test_the_share_is_told_and_moves_once_a_batch() -> None:
    method = built()
    assert method.augmentation is not None
    method.augmentation.share.fill_(0.5)
    terms = [next(method.moves(batch(), 0.0)).terms for _ in range(2)]
    method.stepped(0.0)
    terms.append(next(method.moves(batch(), 0.0)).terms)
    assert [one["augmented"].item() for one in terms] == pytest.approx([0.5, 0.5, 0.5 - 6 / 50_000])
    assert [one["by_heart"].item() for one in terms[:2]] == [0, 0]
    assert terms[2]["by_heart"] != 0


def test_a_discriminator_that_is_right_by_the_margin_is_not_ill() -> None:
    """It has no gradient then, and the generator has."""
    method, logits = built(), torch.tensor([2.0, 2.0], requires_grad=True)
    method._contest(logits, -logits).backward()
    assert logits.grad is not None
    assert logits.grad.norm() == 0

    def examined(player: str) -> str | None:
        monitor, row = Monitor(method), Row({}, {}, {player: 0.0}, {})
        return [monitor.examine(step, row) for step in range(30)][-1]

    assert examined("discriminator") is None
    assert examined("generator") == "the generator learns nothing any more"


def test_image_and_label_meet_in_float32_under_bfloat16() -> None:
    judge, hidden = built().discriminator.eval(), []
    judge.layers.register_forward_hook(lambda m, i, o: hidden.append(o))
    image, code = batch().image, 2 * batch().label - 1
    with torch.autocast("cpu", torch.bfloat16):
        verdict = judge(image, code)
    assert hidden[0].dtype == torch.bfloat16
    features = hidden[0].float()
    assert judge.projection is not None
    exact = judge.validity(features).flatten() + (features * judge.projection(code)).sum(1)
    assert torch.equal(verdict, exact)


def test_attributes_lie_between_minus_one_and_one_and_may_be_in_between() -> None:
    method = built().eval()
    assert method._code(torch.tensor([[0.0, 1.0], [0.5, 0.25]])).tolist() == [[-1, 1], [0, -0.5]]
    assert built("classes")._code(torch.tensor([2])).tolist() == [[0, 0, 1]]


def coloured(kind: str, count: int, random: torch.Generator) -> Unlabelled | Labelled:
    """Red, green or blue squares (classes), or red or not (attributes), on noise."""
    number = torch.randint(3, (count,), generator=random)
    image = 0.2 * torch.randn(count, 3, SIZE, SIZE, generator=random) - 0.5
    image[torch.arange(count), number, 4:12, 4:12] += 1.2
    image = image.clamp(-1, 1)
    if kind == "none":
        return Unlabelled(image)
    if kind == "classes":
        return Labelled(image, number)
    bright = torch.randint(2, (count,), generator=random)
    image = (image + 0.5 * bright[:, None, None, None]).clamp(-1, 1)
    return Labelled(image, torch.stack([number == 0, bright == 1], 1).float())


@pytest.mark.parametrize("kind", SHAPES)
def test_it_draws_what_it_is_asked_for(kind: str, tmp_path: Path) -> None:
    method = built(kind, learning_rate=2e-3, discriminator_rate=2e-3)

    def feed(step: int) -> Unlabelled | Labelled:
        return coloured(kind, 32, torch.Generator().manual_seed(step))

    training = Training(250, 32, "float32")
    Trainer(method, feed, training, tmp_path, CPU).run()
    with torch.inference_mode(), method.evaluated():
        noise = torch.randn(90, 8, generator=torch.Generator().manual_seed(0))
        asked = torch.arange(90) % 3
        label = {
            "none": torch.empty(90, 0),
            "classes": asked,
            "attributes": torch.stack([asked == 0, asked > 0], 1).float(),
        }
        drawn = method.sample(noise, label[kind])
    middle, edge = drawn[:, :, 5:11, 5:11].mean((2, 3)), drawn[:, :, :3].mean((1, 2, 3))
    colour = middle.argmax(1)
    if kind == "classes":
        assert (colour == asked).float().mean() > 0.9
    if kind == "attributes":
        assert ((colour == 0) == (asked == 0)).float().mean() > 0.9
        assert edge[asked > 0].mean() > edge[asked == 0].mean() + 0.2
    assert middle.amax(1).mean() > edge.mean() + 0.4  # a square on a darker ground
