"""The mean teacher with an adversary on top: what it sees, what it is paid, and that it trains."""

import pickle
from pathlib import Path

import pytest
import torch
from benchmarks.adversaries import AdversarialMeanTeacher
from benchmarks.studies import STUDIES, Adaptation
from torch import Tensor

from sparring.data.images import DataSet
from sparring.game import Labelled, Pair, Shape, Unlabelled
from sparring.methods import METHODS, name_of
from tests.benchmarks.test_study import played
from tests.conftest import digits

CLASSES = ("0", "1", "2")


def first(method: AdversarialMeanTeacher) -> Tensor:
    return next(method.feature_extractor.parameters())


def moved(
    nudge: Tensor | float = 0.0, **settings: object
) -> tuple[AdversarialMeanTeacher, Tensor, dict[str, Tensor], Tensor]:
    """A method after one move late in a training: it, the loss, its terms, and what the domain
    classifier saw. nudge: is added to the first weights before."""
    torch.manual_seed(0)
    method = AdversarialMeanTeacher(encoder="small", threshold=0.0, **settings)  # type: ignore[arg-type]
    method.build(Shape(32, CLASSES, "classes"))
    first(method).data += nudge
    seen: list[Tensor] = []
    method.domain_classifier.register_forward_hook(lambda _, inputs, out: seen.append(inputs[0]))
    torch.manual_seed(1)
    source = Labelled(torch.randn(6, 3, 32, 32), torch.arange(6) % 3)
    move = method.adapt(Pair(source, Unlabelled(torch.randn(6, 3, 32, 32))), progress=0.9)
    move.loss.backward()
    return method, move.loss.detach(), dict(move.terms), seen[0].detach()


def test_the_adversary_is_paid_beside_the_labels_or_in_place_of_them() -> None:
    for taught in (True, False):
        _, loss, terms, _ = moved(taught=taught)
        wanted = terms["task"] + terms["domain"] + taught * terms["target"]
        assert terms["target"] > 0.1
        assert loss.item() == pytest.approx(wanted.item(), abs=1e-6)


def test_a_conditional_one_sees_features_times_the_chance_of_each_class() -> None:
    _, _, _, features = moved()
    _, _, _, both = moved(conditional=True)
    assert both.shape == (12, len(CLASSES) * features.shape[1])
    assert torch.allclose(both.unflatten(1, (len(CLASSES), -1)).sum(1), features, atol=1e-5)


def test_features_unlearn_what_helps_the_domain_classifier() -> None:
    def gradient(weight: float) -> Tensor:
        found = first(moved(reversal_weight=weight)[0]).grad
        assert found is not None
        return found

    step = gradient(0.1) - gradient(0.0)
    downhill, plain = (moved(nudge)[2]["domain"] for nudge in (-step / step.norm(), 0.0))
    assert downhill > plain + 0.01


def test_it_is_known_by_name_only_where_there_is_one() -> None:
    name = "adversarial-mean-teacher"
    assert name not in METHODS
    sent = pickle.dumps(AdversarialMeanTeacher(conditional=True))
    del METHODS[name]  # as in the process that it is sent to
    assert name_of(pickle.loads(sent)) == name


def test_a_study_trains_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arms = {"with CDAN": STUDIES["adversaries"].arms["with CDAN"]}
    monkeypatch.setitem(STUDIES, "small", Adaptation(2, (("some", "other"),), arms, twins=0))
    sets = [DataSet(name, "real", digits(60, 1), digits(60, 2)) for name in ("some", "other")]
    (row,) = played("small", sets, tmp_path, monkeypatch)
    assert row["method"] == "adversarial-mean-teacher"
    assert row["settings"]["conditional"] is True
    assert row["labels_read"] == [["final evaluation"]]
