"""A method is a game: it names its players and, for each batch, yields moves.

Knows nothing of how moves are played (trainer), where images come from (data) or how results are
judged (metrics).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Adam, Optimizer

from sparring.averages import Averaged

LabelKind = Literal["none", "classes", "attributes"]
"""What labels are: one of several exclusive classes, or any number of yes-or-no attributes."""


@dataclass(frozen=True)
class Unlabelled:
    """Images alone: float32 [N, 3, S, S] in [-1, 1]. There is no field for a label."""

    image: Tensor


@dataclass(frozen=True)
class Labelled:
    """Images with labels: int64 [N] class numbers, or float32 [N, A] attributes in {0, 1}."""

    image: Tensor
    label: Tensor


@dataclass(frozen=True)
class Pair:
    """One batch of each domain: the source has labels, the target has none."""

    source: Labelled
    target: Unlabelled


Batch = Unlabelled | Labelled | Pair


class Move(NamedTuple):
    """One player's turn: step `player` down the gradient of `loss`, a float32 scalar.

    terms: parts of the loss and other scalars, for the log only.
    """

    player: str
    loss: Tensor
    terms: Mapping[str, Tensor] = {}


@dataclass(frozen=True)
class Row:
    """What the log says of the steps since its last row: means, by name.

    losses: by player. terms: as the moves gave them; some may begin late in a training.
    gradients: Euclidean norm of each player's last gradient; empty in most rows.
    measures: what was observed.
    """

    losses: Mapping[str, float]
    terms: Mapping[str, float]
    gradients: Mapping[str, float]
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Shape:
    """What a method must know of the data before it can build its networks.

    size: height and width in pixels. labels: names of the classes or attributes.
    """

    size: int
    labels: tuple[str, ...] = ()
    kind: LabelKind = "none"


@dataclass(frozen=True)
class Limits:
    """Where a training has diverged, stands still or has collapsed; each method may set its own.

    loss: a player's loss has exploded beyond this (in absolute value).
    gradient: a player whose gradient is shorter than this learns nothing.
    reached, left: a measure has collapsed that once was `reached` at the least, and of which less
        than the share `left` is left.
    """

    loss: float = 1e4
    gradient: float = 1e-8
    reached: float = 0.3
    left: float = 0.2


def of_training(tensor: Tensor) -> nn.Buffer:
    """What a method keeps in mind from batch to batch, and a trained model can do without.

    The trainer saves it with a training's state; a model has it as `build` makes it.
    """
    return nn.Buffer(tensor, persistent=False)


@dataclass(eq=False, kw_only=True)
class Method(Averaged, ABC):
    """Base class of every method. Subclasses are dataclasses: their fields are the settings.

    Defaults of all fields are the preset `report2019`.
    """

    batch_type: ClassVar[Any]
    """The batches that it plays: Unlabelled, Labelled, either (Unlabelled | Labelled), or Pair."""
    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {"report2019": {}}
    """By name of a preset, the settings that differ from the defaults."""
    scheduled: ClassVar[bool] = False
    """Whether anything depends on `progress`: such a training cannot be prolonged exactly."""
    limits: ClassVar[Limits] = Limits()

    learning_rate: float = 2e-4
    """Step size of Adam, for every player."""
    betas: tuple[float, float] = (0.5, 0.999)
    """Decay rates of Adam's two moments."""

    def __new__(cls, *args: Any, **kwargs: Any) -> "Method":
        # A module must be initialised before the dataclass assigns the fields.
        method = super().__new__(cls)
        Averaged.__init__(method)
        return method

    @abstractmethod
    def build(self, shape: Shape) -> None:
        """Make the networks for data of this shape. Draws weights from torch's global RNG."""

    @abstractmethod
    def players(self) -> dict[str, nn.Module]:
        """The networks that move, by name. A player owns all parameters of its module."""

    @abstractmethod
    def moves(self, batch: Any, progress: float) -> Iterator[Move]:
        """Yield this batch's moves in order; `progress` runs from 0 to 1 over the training.

        Each player is stepped before the next move is asked for, which sees its new weights.
        """

    def stepped(self, progress: float) -> None:
        """Called once a batch, after its last move and before the running means follow."""

    def optimizer(self, player: str, parameters: list[Tensor]) -> Optimizer:
        """What steps `player`. It may schedule its own rates; a rollback slows them all down.

        parameters: the player's, each with its dimensions in the order in which they lie in memory.
        """
        return Adam(parameters, lr=self.learning_rate, betas=self.betas, fused=True)

    def alarm(self, row: Row) -> str | None:
        """Plain words where `row` says that the game is lost, as far as the method can tell."""
        return None


@dataclass(eq=False, kw_only=True)
class GenerativeMethod(Method):
    """A method that ends with a generator of images."""

    noise_size: int = 128
    """Length of the generator's normal noise vector."""
    width: int = 64
    """Channels of the generator's last and the discriminator's first hidden layer."""

    def noise(self, count: int, device: torch.device) -> Tensor:
        """Normal noise, float32 [count, noise_size]."""
        return torch.randn(count, self.noise_size, device=device)

    @abstractmethod
    def sample(self, noise: Tensor, label: Tensor) -> Tensor:
        """Images float32 [N, 3, S, S] in [-1, 1] of noise float32 [N, noise_size].

        label: int64 [N] class numbers, float [N, A] attributes in [0, 1], or [N, 0] where there are
            none. An attribute between 0 and 1 is drawn as between its absence and presence.
        """


class ImageClassifier(Averaged, ABC):
    """What a classifier is used by, however it came to be."""

    shown: ClassVar[int] = 500
    """Images that it is shown at once."""

    @abstractmethod
    def features(self, image: Tensor) -> Tensor:
        """Features float32 [N, F] of images float32 [N, 3, S, S] in [-1, 1]."""

    @abstractmethod
    def classify(self, features: Tensor) -> Tensor:
        """Class logits float32 [N, K] of features."""


@dataclass(eq=False, kw_only=True)
class AdaptationMethod(Method, ImageClassifier):
    """A method that carries a classifier from a labelled domain to an unlabelled one.

    Of labelled batches alone it trains the task loss alone: the source-only (lower bound) and
    target-only (upper bound) scenarios.
    """

    batch_type = Pair

    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)

    def players(self) -> dict[str, nn.Module]:
        return {"network": self}

    def moves(self, batch: Pair | Labelled, progress: float) -> Iterator[Move]:
        if isinstance(batch, Pair):
            yield self.adapt(batch, progress)
        else:
            seen = self.view(batch.image)
            task = cross_entropy(self.classify(self.features(seen)), batch.label)
            yield Move("network", task, {"task": task})

    def view(self, image: Tensor) -> Tensor:
        """What training sees of images float32 [N, 3, S, S] in [-1, 1]: augmented, if at all."""
        return image

    @abstractmethod
    def adapt(self, batch: Pair, progress: float) -> Move:
        """The one cooperative move over both domains; gradient reversal does the fighting."""
