import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus

from sparring.game import Labelled, Row, Shape, Unlabelled
from sparring.methods import ACGAN, DCGAN


def dcgan() -> DCGAN:
    torch.manual_seed(0)
    method = DCGAN(width=4, noise_size=8)
    method.build(Shape(16))
    return method


def acgan(attributes: int = 2) -> ACGAN:
    torch.manual_seed(0)
    method = ACGAN(width=4, noise_size=8)
    method.build(Shape(16, tuple("abcdef"[:attributes]), "attributes"))
    return method


def image(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_report2019_settings() -> None:
    assert (DCGAN().noise_size, ACGAN().noise_size, ACGAN().embedding_size) == (128, 120, 4)
    assert (DCGAN().learning_rate, DCGAN().betas) == (2e-4, (0.5, 0.999))


def test_noise_is_standard_normal() -> None:
    torch.manual_seed(0)
    noise = DCGAN().noise(2000, torch.device("cpu"))
    assert noise.shape == (2000, 128)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)
    assert noise.std().item() == pytest.approx(1, abs=0.01)


def test_discriminator_moves_first_and_the_generator_on_the_same_fakes() -> None:
    method = dcgan()
    seen: list[torch.Tensor] = []
    method.discriminator.register_forward_hook(lambda m, i, o: seen.append(i[0]))
    moves = list(method.moves(Unlabelled(image()), 0.0))
    assert [move.player for move in moves] == ["discriminator", "generator"]
    both, fake = seen
    real, detached = both.chunk(2)
    assert torch.equal(real, image())
    assert torch.equal(detached, fake)
    assert not detached.requires_grad
    assert fake.requires_grad


def test_dcgan_losses_by_hand() -> None:
    method = dcgan()
    outputs: list[torch.Tensor] = []
    method.discriminator.register_forward_hook(lambda m, i, o: outputs.append(o[0]))
    on_d, on_g = method.moves(Unlabelled(image()), 0.0)
    both, fake = outputs
    real, detached = both.chunk(2)
    expected = softplus(-real).mean() + softplus(detached).mean()
    assert on_d.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert on_g.loss.item() == pytest.approx(softplus(-fake).mean().item(), rel=1e-5)


def test_the_discriminator_sees_each_image_by_itself() -> None:
    # This is why one pass over real and generated images is the same as two.
    discriminator = dcgan().discriminator.eval()
    batch = image()
    whole, parts = discriminator(batch)[0], [discriminator(part)[0] for part in batch.split(2)]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-6)


def test_acgan_labels_count_on_real_and_fake_and_pass_one_sigmoid_only() -> None:
    method = acgan()
    label = torch.tensor([[0.0, 1.0]] * 6)
    outputs: list[tuple[torch.Tensor, torch.Tensor]] = []
    method.discriminator.register_forward_hook(lambda m, i, o: outputs.append(o))
    on_d, on_g = method.moves(Labelled(image(), label), 0.0)

    def aux(logits: torch.Tensor) -> torch.Tensor:
        return binary_cross_entropy_with_logits(logits, label)

    (both, labels), (fake, g) = outputs
    (real, detached), (r, f) = both.chunk(2), labels.chunk(2)
    expected = softplus(-real).mean() + softplus(detached).mean() + aux(r) + aux(f)
    assert on_d.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert on_g.loss.item() == pytest.approx((softplus(-fake).mean() + aux(g)).item(), rel=1e-5)
    # A confident right answer costs nothing; after a second sigmoid it could not.
    confident = torch.tensor([-30.0, 30.0]).expand(6, 2)
    assert aux(confident).item() == pytest.approx(0, abs=1e-6)


def test_acgan_label_chooses_embedding_rows_bit_for_bit_and_mixes_them_between() -> None:
    method = acgan(attributes=3).eval()
    codes: list[torch.Tensor] = []
    method.generator.register_forward_hook(lambda m, i, o: codes.append(i[0][0, 8:]))
    rows = method.embedding.weight
    for label in (torch.tensor([[0.0, 1.0, 1.0]]), torch.tensor([[0, 1, 1]])):
        method.sample(torch.zeros(1, 8), label)
        assert torch.equal(codes[-1], rows[[0, 3, 5]].flatten())
    method.sample(torch.zeros(1, 8), torch.tensor([[0.25, 1.0, 0.5]]))
    mixed = [0.75 * rows[0] + 0.25 * rows[1], rows[3], (rows[4] + rows[5]) / 2]
    assert torch.allclose(codes[-1], torch.cat(mixed))


def test_acgan_draws_other_images_for_other_labels() -> None:
    method = acgan().eval()
    noise = torch.randn(3, 8)
    off, on = (method.sample(noise, torch.full((3, 2), value)) for value in (0.0, 1.0))
    assert (off - on).abs().mean() > 1e-4
    assert torch.equal(off, method.sample(noise, torch.zeros(3, 2)))


def test_acgan_embedding_belongs_to_the_generator() -> None:
    players = acgan().players()
    shapes = [tuple(p.shape) for p in players["generator"].parameters()]
    assert (4, 4) in shapes
    assert (4, 4) not in [tuple(p.shape) for p in players["discriminator"].parameters()]


def with_classes() -> ACGAN:
    torch.manual_seed(0)
    method = ACGAN(width=4, noise_size=8, embedding_size=3)
    method.build(Shape(16, ("boot", "shirt", "dress", "bag", "coat"), "classes"))
    return method


def test_classes_exclude_one_another_one_head_of_all_and_cross_entropy() -> None:
    method, label = with_classes(), torch.tensor([0, 4, 2, 2, 1, 3])
    outputs: list[tuple[torch.Tensor, torch.Tensor]] = []
    method.discriminator.register_forward_hook(lambda m, i, o: outputs.append(o))
    on_d, on_g = method.moves(Labelled(image(), label), 0.0)
    (_, labels), (_, generated) = outputs
    assert labels.shape == (12, 5)
    real, fake = labels.chunk(2)
    assert on_d.terms["label_real"].item() == pytest.approx(cross_entropy(real, label).item())
    assert on_d.terms["label_fake"].item() == pytest.approx(cross_entropy(fake, label).item())
    assert on_g.terms["label"].item() == pytest.approx(cross_entropy(generated, label).item())


def test_each_class_has_one_row_of_the_embedding_and_changes_the_image() -> None:
    method = with_classes().eval()
    assert method.embedding.weight.shape == (5, 3)
    used: list[torch.Tensor] = []
    method.embedding.register_forward_hook(lambda m, i, o: used.append(i[0]))
    noise = torch.randn(1, 8).expand(5, 8)
    drawn = method.sample(noise, torch.arange(5))
    assert used[0].tolist() == [0, 1, 2, 3, 4]
    assert drawn.shape == (5, 3, 16, 16)
    assert len(drawn.flatten(1).unique(dim=0)) == 5


def test_the_alarm_rings_where_the_discriminator_has_won() -> None:
    terms = {"hits_real": 1.0, "hits_fake": 1.0}
    won = DCGAN().alarm(Row({"generator": 8.0}, terms, {}, {}))
    assert won is not None
    assert won.startswith("the discriminator has won: it tells 100.0% of real")
    assert DCGAN().alarm(Row({"generator": 6.9}, terms, {}, {})) is None
    assert ACGAN().alarm(Row({"generator": 8.0}, terms | {"hits_fake": 0.9}, {}, {})) is None
    # Of a hundred classes the labels alone cost 4.6 at first.
    assert ACGAN().alarm(Row({"generator": 8.0}, terms | {"fools": 3.4}, {}, {})) is None
    assert ACGAN().alarm(Row({"generator": 8.0}, terms | {"fools": 7.4}, {}, {})) is not None
