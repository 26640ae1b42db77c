"""The mean teacher with something on top: what it sees, what it is paid, and that it trains."""

import pickle
from pathlib import Path

import pytest
import torch
from benchmarks.studies import STUDIES, Adaptation
from benchmarks.variants import MARGIN, VariedMeanTeacher, disparity, information
from torch import Tensor

from sparring.data.images import DataSet
from sparring.game import Labelled, Pair, Shape, Unlabelled
from sparring.methods import METHODS, name_of
from tests.benchmarks.test_study import played
from tests.conftest import digits

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


def test_it_is_known_by_name_only_where_there_is_one() -> None:
    name = "varied-mean-teacher"
    METHODS.pop(name, None)
    sent = pickle.dumps(VariedMeanTeacher(added="cdan"))
    del METHODS[name]  # as in the process that it is sent to
    assert name_of(pickle.loads(sent)) == name


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
