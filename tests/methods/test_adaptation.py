import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring.augment import strong
from sparring.game import AdaptationMethod, Labelled, Move, Pair, Shape, Unlabelled
from sparring.methods import DANN, DSN
from sparring.methods.losses import difference_loss, domain_loss, scale_invariant_error

CLASSES = tuple("0123456789")


def pair() -> Pair:
    random = torch.Generator().manual_seed(3)
    source, target = torch.rand(2, 8, 3, 32, 32, generator=random) * 2 - 1
    return Pair(Labelled(source, torch.arange(8)), Unlabelled(target))


def built(method: AdaptationMethod) -> AdaptationMethod:
    torch.manual_seed(0)
    method.build(Shape(32, CLASSES, "classes"))
    return method


def one(method: AdaptationMethod) -> Move:
    (move,) = method.moves(pair(), 0.5)
    return move


def gradient(method: AdaptationMethod, loss: torch.Tensor, part: str) -> torch.Tensor:
    parameters = list(method.get_submodule(part).parameters())
    found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    flat = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
    return torch.cat([g.flatten() for g in flat])


def test_report2019_weights() -> None:
    dsn = DSN()
    assert (dsn.alpha, dsn.beta, dsn.gamma) == (0.15, 0.075, 0.25)
    assert DANN().reversal_weight == 0.1
    assert DANN().encoder == dsn.encoder == "resnet18"
    assert not DANN().strong_views
    assert not dsn.strong_views


def test_dann_trains_the_domain_classifier_with_and_the_features_against_the_domain_loss() -> None:
    method = built(DANN(reversal_weight=0.5)).eval()
    domain = one(method).terms["domain"]
    method.reversal_weight = -1.0  # reversing with -1 is no reversal
    plain = one(method).terms["domain"]
    assert torch.allclose(
        gradient(method, domain, "domain_classifier"), gradient(method, plain, "domain_classifier")
    )
    reversed_, straight = (gradient(method, loss, "feature_extractor") for loss in (domain, plain))
    assert straight.norm() > 0
    assert torch.allclose(reversed_, -0.5 * straight, atol=1e-7)


def test_dann_loss_by_hand() -> None:
    method = built(DANN()).eval()
    batch = pair()
    features = method.features(torch.cat([batch.source.image, batch.target.image]))
    task = cross_entropy(method.classify(features[:8]), batch.source.label)
    domain, _ = domain_loss(method.domain_classifier(features), 8)
    assert one(method).loss.item() == pytest.approx((task + domain).item(), rel=1e-5)


def test_dann_normalises_both_domains_with_the_same_batch_statistics() -> None:
    method = built(DANN()).train()
    sizes: list[int] = []
    method.feature_extractor.register_forward_hook(lambda m, i, o: sizes.append(len(i[0])))
    one(method)
    assert sizes == [16]


def test_dsn_loss_by_hand() -> None:
    method = built(DSN(alpha=0.5, beta=0.25, gamma=2.0)).eval()
    batch = pair()
    source, target = batch.source.image, batch.target.image
    shared_s, shared_t = method.features(source), method.features(target)
    private_s = method.private_source_encoder(source)
    private_t = method.private_target_encoder(target)
    terms = {
        "task": cross_entropy(method.classify(shared_s), batch.source.label),
        "reconstruction": scale_invariant_error(method.decoder(shared_s + private_s), source)
        + scale_invariant_error(method.decoder(shared_t + private_t), target),
        "difference": difference_loss(private_s, shared_s) + difference_loss(private_t, shared_t),
        "similarity": domain_loss(method.domain_classifier(torch.cat([shared_s, shared_t])), 8)[0],
    }
    move = one(method)
    for name, value in terms.items():
        assert move.terms[name].item() == pytest.approx(value.item(), rel=1e-4), name
    weights = {"task": 1.0, "reconstruction": 0.5, "difference": 0.25, "similarity": 2.0}
    total = sum(weights[name] * value.item() for name, value in terms.items())
    assert move.loss.item() == pytest.approx(total, rel=1e-4)


def test_dsn_similarity_is_adversarial_to_the_shared_encoder_only() -> None:
    method = built(DSN()).eval()
    similarity = one(method).terms["similarity"]
    batch = pair()
    shared = method.features(torch.cat([batch.source.image, batch.target.image]))
    plain, _ = domain_loss(method.domain_classifier(shared), 8)
    against = gradient(method, similarity, "shared_encoder")
    assert against.norm() > 0
    assert torch.allclose(against, -gradient(method, plain, "shared_encoder"), atol=1e-7)
    assert gradient(method, similarity, "private_source_encoder").norm() == 0


def test_dsn_losses_reach_the_networks_they_should() -> None:
    method = built(DSN()).eval()
    terms = one(method).terms
    parts = [name for name, _ in method.named_children()]
    reached = {
        name: {part for part in parts if gradient(method, terms[name], part).norm() > 0}
        for name in ("task", "reconstruction", "difference", "similarity")
    }
    private = {"private_source_encoder", "private_target_encoder"}
    assert reached["task"] == {"shared_encoder", "label_classifier"}
    assert reached["reconstruction"] == {"shared_encoder", "decoder"} | private
    assert reached["difference"] == {"shared_encoder"} | private
    assert reached["similarity"] == {"shared_encoder", "domain_classifier"}


@pytest.mark.parametrize("method", [DANN(), DSN()])
def test_labelled_batches_alone_train_the_task_loss_alone(method: AdaptationMethod) -> None:
    method = built(method).eval()
    source = pair().source
    (move,) = method.moves(source, 0.0)
    expected = cross_entropy(method.classify(method.features(source.image)), source.label)
    assert move.loss.item() == pytest.approx(expected.item())
    assert gradient(method, move.loss, "domain_classifier").norm() == 0


@pytest.mark.parametrize("size", [24, 48, 64])
@pytest.mark.parametrize("kind", [DANN, DSN])
def test_images_of_other_sizes_are_classified(kind: type[DANN | DSN], size: int) -> None:
    method = kind(encoder="fast")
    method.build(Shape(size, CLASSES, "classes"))
    source, target = torch.rand(2, 8, 3, size, size) * 2 - 1
    (move,) = method.moves(Pair(Labelled(source, torch.arange(8)), Unlabelled(target)), 0.5)
    assert move.loss.isfinite()
    assert method.classify(method.features(target)).shape == (8, 10)


@pytest.mark.parametrize("kind", [DANN, DSN])
def test_strong_views_are_what_training_sees_of_both_domains_once(kind: type[DANN | DSN]) -> None:
    method = built(kind(encoder="small", strong_views=True))
    network = method.feature_extractor if kind is DANN else method.shared_encoder
    seen: list[torch.Tensor] = []
    network.register_forward_hook(lambda m, i, o: seen.append(i[0]))
    for batch in (pair(), pair().source):
        torch.manual_seed(5)
        list(method.moves(batch, 0.5))
    both = torch.cat([pair().source.image, pair().target.image])
    for images, found in zip((both, pair().source.image), seen, strict=True):
        torch.manual_seed(5)
        assert torch.equal(found, strong(images))
    method.features(both)
    assert torch.equal(seen[-1], both)  # what is judged is not augmented


@pytest.mark.parametrize("kind", [DANN, DSN])
def test_without_strong_views_no_random_number_is_drawn(kind: type[DANN | DSN]) -> None:
    method = built(kind(encoder="small"))
    before = torch.get_rng_state()
    list(method.moves(pair(), 0.5))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(method.view(pair().target.image), pair().target.image)


class Code(nn.Module):
    """The same code for every image, but for its first number: the image's first pixel."""

    def __init__(self, second: float, reads: bool = True) -> None:
        super().__init__()
        self.second, self.reads = second, reads

    def forward(self, image: Tensor) -> Tensor:
        first = image[:, 0, 0, 0] if self.reads else torch.zeros(len(image))
        return torch.stack([first, torch.full((len(image),), self.second)], 1)


class Canvas(nn.Module):
    """A code as the first two pixels of an image that is 7 elsewhere."""

    def forward(self, code: Tensor) -> Tensor:
        image = torch.full((len(code), 3, 4, 4), 7.0)
        image[:, :, 0, :2] = code[:, None]
        return image


def test_dsn_draws_what_each_code_holds_and_swaps_the_private_ones() -> None:
    method = DSN()
    method.shared_encoder, method.decoder = Code(0.0), Canvas()
    method.private_source_encoder = Code(1.0, reads=False)
    method.private_target_encoder = Code(2.0, reads=False)
    source, target = torch.rand(2, 3, 3, 4, 4)
    rows = method.drawn(source, target)
    image = torch.cat([source, target])
    assert torch.equal(rows["image"], image)
    first, own = image[:, 0, 0, 0], torch.tensor([1.0] * 3 + [2.0] * 3)
    other, nothing = own.flip(0), torch.zeros(6)
    codes = {
        "shared + private": (first, own),
        "shared alone": (first, nothing),
        "private alone": (nothing, own),
        "shared + other's private": (first, other),
    }
    assert rows.keys() == {"image"} | codes.keys()
    for name, code in codes.items():
        found = rows[name][:, 1, 0, :2] - rows[name][:, 1, 3, 3:] + 7  # whatever the level is
        assert torch.allclose(found, torch.stack(code, 1), atol=1e-5), name
        assert torch.allclose(rows[name].mean((1, 2, 3)), image.mean((1, 2, 3)), atol=1e-5)


def test_most_methods_draw_nothing() -> None:
    source, target = torch.rand(2, 3, 3, 4, 4)
    assert DANN().drawn(source, target) == {}
