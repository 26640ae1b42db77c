"""Variants of the modern methods: what they see, what they are paid, and that they train."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from benchmarks.studies import STUDIES, Adaptation, Arm, Generation
from benchmarks.variants import (
    MARGIN,
    AllAugmented,
    PenalisedGAN,
    RawGAN,
    VariedMeanTeacher,
    disparity,
    information,
)
from torch import Tensor, nn

from sparring.data.images import DataSet
from sparring.game import Labelled, Method, Pair, Shape, Unlabelled
from sparring.methods import METHODS, name_of
from tests.benchmarks.test_study import played
from tests.conftest import digits, faces

CLASSES = ("0", "1", "2")
ADVERSARIES = ("dann", "cdan", "mdd")


def first(method: VariedMeanTeacher) -> Tensor:
    return next(method.feature_extractor.parameters())


def moved(
    nudge: Tensor | float = 0.0, progress: float = 0.9, **settings: object
) -> tuple[VariedMeanTeacher, Tensor, dict[str, Tensor], Tensor]:
    """A method after one move: it, the loss, its terms, and what the adversary saw.

    nudge: is added to the first weights before.
    """
    torch.manual_seed(0)
    method = VariedMeanTeacher(encoder="small", threshold=0.0, **settings)  # type: ignore[arg-type]
    method.build(Shape(32, CLASSES, "classes"))
    first(method).data += nudge
    seen = [torch.empty(0)]
    method.adversary.register_forward_hook(lambda _, inputs, out: seen.append(inputs[0]))
    torch.manual_seed(1)
    source = Labelled(torch.randn(6, 3, 32, 32), torch.arange(6) % 3)
    move = method.adapt(Pair(source, Unlabelled(torch.randn(6, 3, 32, 32))), progress)
    move.loss.backward()
    return method, move.loss.detach(), dict(move.terms), seen[-1].detach()


@pytest.mark.parametrize("added", [*ADVERSARIES, "information"])
def test_what_is_added_is_paid_beside_the_labels_or_in_place_of_them(added: str) -> None:
    for taught in (True, False):
        _, loss, terms, _ = moved(added=added, taught=taught)
        wanted = terms["task"] + terms["further"] + taught * terms["target"]
        assert terms["target"] > 0.1
        assert terms["further"].abs() > 1e-4
        assert loss.item() == pytest.approx(wanted.item(), abs=1e-6)


def test_without_an_addition_it_is_the_mean_teacher() -> None:
    _, loss, terms, _ = moved()
    assert loss.item() == pytest.approx((terms["task"] + terms["target"]).item(), abs=1e-6)


def test_information_counts_from_when_labels_would() -> None:
    _, loss, terms, _ = moved(added="information", progress=0.1)
    assert loss.item() == pytest.approx(terms["task"].item(), abs=1e-6)


def test_a_conditional_one_sees_features_times_the_chance_of_each_class() -> None:
    _, _, _, features = moved(added="dann")
    _, _, _, both = moved(added="cdan")
    assert both.shape == (12, len(CLASSES) * features.shape[1])
    assert torch.allclose(both.unflatten(1, (len(CLASSES), -1)).sum(1), features, atol=1e-5)


def test_images_that_are_not_standardised_show_how_bright_they_are() -> None:
    image = torch.rand(4, 3, 32, 32)
    for standardised in (True, False):
        method = moved(standardised=standardised)[0].eval()
        change = method.features(image + 0.5) - method.features(image)
        assert (change.abs().max() > 1e-3) is not standardised


@pytest.mark.parametrize("added", ADVERSARIES)
def test_features_unlearn_what_helps_the_adversary(added: str) -> None:
    def gradient(weight: float) -> Tensor:
        found = first(moved(added=added, reversal_weight=weight)[0]).grad
        assert found is not None
        return found

    step = gradient(0.1) - gradient(0.0)
    downhill, plain = (
        moved(nudge, added=added)[2]["further"] for nudge in (-step / step.norm(), 0.0)
    )
    assert downhill > plain + 0.01


def test_a_second_classifier_should_agree_on_the_source_and_disagree_on_the_target() -> None:
    """By hand, of chances 0.8 and 0.25 that are given to the first one's answers."""
    logits = torch.tensor([[0.8, 0.2], [0.25, 0.75]]).log()
    found = disparity(logits, torch.tensor([0, 0]), sources=1).item()
    wanted = -MARGIN * torch.tensor(0.8).log() - torch.tensor(0.75).log()
    assert found == pytest.approx(wanted.item(), abs=1e-5)


def test_information_is_most_where_answers_are_sure_and_differ() -> None:
    sure = 50 * torch.eye(4)
    assert information(sure).item() == pytest.approx(torch.tensor(4.0).log().item(), abs=1e-4)
    for useless in (torch.zeros(4, 4), sure[:1].expand(4, 4)):
        assert information(useless).item() == pytest.approx(0, abs=1e-4)


class Slanted(nn.Module):
    """Logits that rise by 0.1 with every number of an image."""

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        return 0.1 * image.sum((1, 2, 3))


def test_a_discriminator_pays_for_its_slope_at_real_and_at_generated_images() -> None:
    """3 x 8 x 8 slopes of 0.1 have a squared length of 1.92, twice."""
    method = PenalisedGAN(width=4, discriminator_width=4, penalty=3.0)
    method.build(Shape(8, ("Smiling",), "attributes"))
    method.discriminator = Slanted()  # type: ignore[assignment]
    batch = Labelled(torch.rand(6, 3, 8, 8), torch.ones(6, 1))
    (move,) = (move for move in method.moves(batch, 0.5) if move.player == "discriminator")
    assert move.terms["steepness"].item() == pytest.approx(2 * 1.92, rel=1e-4)
    torch.manual_seed(1)
    (paid,) = (move for move in method.moves(batch, 0.5) if move.player == "discriminator")
    torch.manual_seed(1)
    method.penalty = 0.0
    (free,) = (move for move in method.moves(batch, 0.5) if move.player == "discriminator")
    assert (paid.loss - free.loss).item() == pytest.approx(3.0 / 2 * 2 * 1.92, rel=1e-3)


def test_paying_for_slopes_makes_them_less_steep() -> None:
    method = PenalisedGAN(width=4, discriminator_width=4)
    method.build(Shape(16, (), "none"))
    batch = Unlabelled(torch.rand(8, 3, 16, 16))

    def steepness() -> Tensor:
        torch.manual_seed(1)
        return method._steepness(batch)

    before = steepness()
    before.backward()
    with torch.no_grad():
        for parameter in method.discriminator.parameters():
            if parameter.grad is not None:
                parameter -= 0.05 * parameter.grad / parameter.grad.norm().clamp_min(1e-9)
    assert steepness() < 0.95 * before


@pytest.mark.parametrize(
    "made",
    [
        lambda: VariedMeanTeacher(added="cdan"),
        lambda: PenalisedGAN(penalty=2.0),
        AllAugmented,
        RawGAN,
    ],
)
def test_it_is_known_by_name_only_where_there_is_one(made: Callable[[], Method]) -> None:
    sent = pickle.dumps(method := made())
    name = name_of(method)
    del METHODS[name]  # as in the process that it is sent to
    assert name_of(pickle.loads(sent)) == name
    del METHODS[name]


def test_all_images_are_augmented_and_stay_so() -> None:
    method = AllAugmented(width=4, discriminator_width=4)
    method.build(Shape(16, (), "none"))
    image = torch.rand(50, 3, 16, 16)
    for _ in range(2):
        assert (method._seen(image) != image).flatten(1).any(1).all()
        list(method.moves(Unlabelled(image), 0.0))
        method.stepped(0.0)


@pytest.mark.parametrize("arm", ["relativistic, R1 + R2, not augmented", "hinge, the last state"])
def test_a_study_trains_generators(
    arm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparring.defaults.JUDGE_STEPS", 2)
    monkeypatch.setattr("sparring.defaults.JUDGED", 20)
    study = STUDIES["drawing"]
    assert isinstance(study, Generation)
    small = Generation("faces", {arm: Arm(study.arms[arm].method, "Smiling", 3, 8)})
    monkeypatch.setitem(STUDIES, "small", small)
    (row,) = played("small", [faces()], tmp_path, monkeypatch)
    averaged = row["averaged"]
    assert isinstance(averaged, list)
    if row["method"] == "raw-gan":  # its mean draws beside it
        assert averaged[0]["diversity"] != row["metrics"][0]["diversity"]  # type: ignore[index]
    else:
        assert (row["method"], averaged[0]) == ("penalised-gan", {})


@pytest.mark.parametrize("arm", ["with MDD", "information maximisation in place of labels"])
def test_a_study_trains_it(arm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = STUDIES["variants"]
    assert isinstance(study, Adaptation)
    arms = {arm: study.arms[arm]}
    monkeypatch.setitem(STUDIES, "small", Adaptation(2, (("some", "other"),), arms, twins=0))
    sets = [DataSet(name, "real", digits(60, 1), digits(60, 2)) for name in ("some", "other")]
    (row,) = played("small", sets, tmp_path, monkeypatch)
    assert row["method"] == "varied-mean-teacher"
    assert row["settings"]["taught"] is (arm == "with MDD")
    assert row["labels_read"] == [["final evaluation"]]
