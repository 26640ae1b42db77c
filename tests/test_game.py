import copy
import dataclasses
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from sparring.game import AdaptationMethod, Labelled, Move, Pair, Row, Shape, Unlabelled
from sparring.methods import DCGAN


@dataclass(eq=False, kw_only=True)
class Small(AdaptationMethod):
    """A linear classifier that sees its images mirrored."""

    def build(self, shape: Shape) -> None:
        self.linear = nn.Linear(3 * shape.size**2, len(shape.labels))

    def view(self, image: Tensor) -> Tensor:
        return image.flip(3)

    def adapt(self, batch: Pair, progress: float) -> Move:
        raise NotImplementedError

    def features(self, image: Tensor) -> Tensor:
        return image.flatten(1)

    def classify(self, features: Tensor) -> Tensor:
        logits: Tensor = self.linear(features)
        return logits


def small() -> Small:
    torch.manual_seed(0)
    method = Small()
    method.build(Shape(4, ("a", "b", "c"), "classes"))
    return method


def test_the_task_loss_is_of_what_training_sees() -> None:
    method, image, label = small(), torch.rand(5, 3, 4, 4), torch.tensor([0, 1, 2, 0, 1])
    (move,) = method.moves(Labelled(image, label), 0.0)
    logits = method.linear(image.flip(3).flatten(1))
    expected = -logits.log_softmax(1)[torch.arange(5), label].mean()
    assert move.loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert move.terms.keys() == {"task"}


def test_by_default_training_sees_the_image_itself() -> None:
    image = torch.rand(2, 3, 4, 4)
    assert AdaptationMethod.view(small(), image) is image


def test_no_alarm_rings_by_default_whatever_the_terms() -> None:
    assert small().alarm(Row({"network": 1e3}, {}, {"network": 1.0}, {})) is None


def test_running_means_are_neither_settings_nor_weights() -> None:
    method = DCGAN(width=4)
    method.average["generator"] = nn.Linear(1, 1)
    assert "average" not in dataclasses.asdict(method)
    assert method.state_dict() == {}
    assert dataclasses.replace(method).average == {}
    assert copy.deepcopy(method).average.keys() == {"generator"}


def test_an_optimizer_has_the_settings_of_the_method() -> None:
    method = DCGAN(learning_rate=0.3, betas=(0.1, 0.2))
    (group,) = method.optimizer("generator", [torch.zeros(3)]).param_groups
    assert (group["lr"], group["betas"], group["fused"]) == (0.3, (0.1, 0.2), True)
    assert DCGAN.PRESETS["report2019"] == {}
    method.stepped(0.5)


def test_batches_without_labels_have_no_place_for_them() -> None:
    assert [field.name for field in dataclasses.fields(Unlabelled)] == ["image"]
