"""The mean teacher by hand; that it learns is in test_learning."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from sparring.game import Labelled, Pair, Shape, Unlabelled
from sparring.methods import MeanTeacher
from sparring.methods.mean_teacher import RAMP, RECENT, SOURCE_STEPS, Clusters, Seen, sinkhorn

SIZE = 16


def test_sinkhorn_gives_each_class_its_share_and_each_image_one_label() -> None:
    logits = 3 * torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])
    out = sinkhorn(logits, shares)
    assert torch.allclose(out.sum(1), torch.ones(500), atol=1e-5)
    assert torch.allclose(out.mean(0), shares, atol=1e-3)
    # What has the right shares already is left as it is.
    assert torch.allclose(sinkhorn(out.log(), shares), out, atol=1e-3)


def test_sinkhorn_stays_float32_under_bfloat16() -> None:
    logits = 3 * torch.randn(500, 4, generator=torch.Generator().manual_seed(0))
    shares = torch.tensor([0.1, 0.2, 0.3, 0.4])
    exact = sinkhorn(logits, shares)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(sinkhorn(logits, shares), exact)


def test_sinkhorn_keeps_the_order_of_images_within_a_class() -> None:
    logits = torch.tensor([[9.0, 0.0], [8.0, 0.0], [7.0, 0.0], [6.0, 0.0]])
    out = sinkhorn(logits, torch.tensor([0.5, 0.5]))
    assert out.argmax(1).tolist() == [0, 0, 1, 1]


def test_a_class_without_a_share_gets_no_label_and_nothing_is_lost_to_infinity() -> None:
    out = sinkhorn(torch.randn(64, 3), torch.tensor([0.5, 0.5, 0.0]))
    assert out.isfinite().all()
    assert out[:, 2].max() < 1e-4


def built(**settings: object) -> MeanTeacher:
    torch.manual_seed(0)
    method = MeanTeacher(encoder="small", **settings)  # type: ignore[arg-type]
    method.build(Shape(SIZE, ("above", "below"), "classes"))
    return method


def clusters(share: float, count: int = RECENT) -> Tensor:
    """Features of two clusters, far apart; the second has `share` of them."""
    noise = torch.randn(count, 48, generator=torch.Generator().manual_seed(0))
    second = torch.arange(count) < share * count
    return noise + 3 * torch.where(second, 1, -1)[:, None] * torch.arange(48).remainder(2)


def test_cluster_shares_are_the_sizes_of_clusters_whatever_the_labels_shares() -> None:
    features = clusters(0.9)
    # Labels as they are shared out: half of them to each class, wrong for 40 % of the images.
    labels = one_hot((torch.arange(RECENT) < RECENT / 2).long(), 2).float()
    assert Clusters.of(features, labels).shares.tolist() == pytest.approx([0.1, 0.9], abs=0.01)
    features[500:] = 0  # not yet filled: only the second cluster is there
    assert Clusters.of(features, labels).shares.sum().item() == pytest.approx(1)
    assert Clusters.of(torch.zeros(RECENT, 3), labels).shares.tolist() == [0, 0]


def test_the_lead_of_a_feature_is_what_it_is_nearer_to_its_cluster_by_hand() -> None:
    features = torch.tensor([[3.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-3.0, 0.0]])
    labels = one_hot(torch.tensor([0, 0, 1, 1]), 2).float()
    found = Clusters.of(features, labels)
    spread = 5**0.5 + 1e-3
    assert found.middle.tolist() == [0, 0]
    assert found.ways[:, 0].tolist() == pytest.approx([1 / spread, -1 / spread])
    assert found.lead(features).tolist() == pytest.approx([2 * x / spread for x in (3, 1, 1, 3)])
    assert found.lead(torch.tensor([[0.0, 7.0]])).tolist() == [0]  # right between them


def test_a_model_has_nothing_of_what_the_training_keeps_in_mind() -> None:
    method = built()
    kept = method.state_dict().keys()
    minded = {name for name, _ in method.named_buffers() if name not in kept}
    assert minded >= {"recent_features", "recent", "source_count", "target_shares", "confidence"}
    assert not any("recent" in name for name in kept)


def stepped(method: MeanTeacher, share: float, progress: float, near: float = 1) -> None:
    """As after a batch of three sources, and targets in two clusters.

    near: how far apart the student sees these clusters, beside those of the source.
    """
    features = clusters(share)
    even = torch.full((RECENT, 2), 0.5).log()
    predicted = torch.where(features[:, 1:2] > 0, torch.tensor([-3.0, 0]), torch.tensor([0, -3.0]))
    second, student = features[:, 1] > 0, clusters(0.5)
    middle = (features[second].mean(0) + features[~second].mean(0)) / 2
    target = middle + near * (student - middle)
    label, confidence = torch.tensor([0, 0, 1]), torch.tensor(0.5)
    method._seen = Seen(label, confidence, features, even + predicted, student, target)
    method.stepped(progress)


def test_of_a_batch_larger_than_what_is_kept_the_last_images_are_kept() -> None:
    method, label, share = built(), torch.tensor([0, 1]), torch.tensor(0.5)
    features, predicted = clusters(0.5, RECENT + 3), torch.randn(RECENT + 3, 2).log_softmax(1)
    method._seen = Seen(label, share, features, predicted, features, features)
    method.stepped(0.0)
    assert torch.equal(method.recent, predicted[3:])
    assert torch.equal(method.recent_features, features[3:])


def test_shares_are_the_sources_in_its_stage_and_then_drift_to_the_clusters() -> None:
    method = built(source_stage=0.5, drift=0.25)
    stepped(method, 0.9, 0.49)
    assert method.target_shares.tolist() == pytest.approx([2 / 3, 1 / 3])
    stepped(method, 0.9, 0.5)
    assert method.target_shares[1].item() == pytest.approx(0.75 / 3 + 0.25 * 0.9, abs=0.01)
    assert method.confidence.item() == pytest.approx(1 - 0.5 * (0.01 + 0.01 * 0.99), abs=1e-6)
    unclear = built(source_stage=0.5, drift=0.25)  # half as far apart is trusted a quarter
    stepped(unclear, 0.9, 0.49)
    stepped(unclear, 0.9, 0.5, near=0.5)
    moved = unclear.target_shares[1].item() - 1 / 3
    assert moved == pytest.approx(0.25 * 0.25 * (0.9 - 1 / 3), abs=0.001)
    always = built(shares="source")
    stepped(always, 0.9, 1.0)
    assert always.target_shares.tolist() == pytest.approx([2 / 3, 1 / 3])


def test_the_targets_loss_begins_after_the_source_stage_and_ramps_up() -> None:
    method = built(source_stage=0.25)
    weights = []
    for progress in (0, 0.25, 0.35, 0.45, 1):
        weights.append(float(method._weight(progress)))
        stepped(method, 0.5, progress)
    assert weights == pytest.approx([0, 0, 0.5, 1, 1])


def test_in_a_long_training_the_source_stage_has_so_many_steps() -> None:
    method = built(source_stage=0.25, drift=0.25)
    for step in range(SOURCE_STEPS):
        stepped(method, 0.9, step / 10_000)
    assert method.target_shares.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert method._weight(SOURCE_STEPS / 10_000) == 0
    stepped(method, 0.9, SOURCE_STEPS / 10_000)
    assert method.target_shares[1].item() == pytest.approx(0.75 / 3 + 0.25 * 0.9, abs=0.01)
    assert method._weight(SOURCE_STEPS / 10_000 + RAMP / 2).item() == pytest.approx(0.5)
    stepped(method, 0.9, 0.9)
    assert method._weight(SOURCE_STEPS / 10_000 + RAMP / 2).item() == pytest.approx(0.5)  # it stays


def test_only_sure_labels_count() -> None:
    image = torch.rand(4, 3, SIZE, SIZE)
    batch = Pair(Labelled(image, torch.arange(4) % 2), Unlabelled(image))
    unsure = built(threshold=1.0).adapt(batch, 1.0)
    assert unsure.terms["sure"] == 0
    assert unsure.loss.item() == pytest.approx(unsure.terms["task"].item())
    every = built(threshold=0.0).adapt(batch, 1.0)
    assert every.terms["sure"] == 1
    both = every.terms["task"] + every.terms["target"]
    assert every.loss.item() == pytest.approx(both.item())
