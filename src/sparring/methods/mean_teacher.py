"""Self-training by a mean teacher, whose labels are shared out to the classes as they should occur.

The student learns labels on strongly augmented images of both domains: those of the source, and
those that its own running mean, the teacher, gives to weakly augmented target images. Alone, the
teacher repeats its own mistakes: a class that it takes for another one dies out. So its predictions
are scaled, class by class and image by image in turn (Sinkhorn), until the classes have the shares
that they are believed to have: those of the source at first. They would do harm where the target's
differ, so they drift to an estimate. The teacher's own shares are a poor one (what it mistakes, it
is sure of); the sizes of the clusters that its features form around the classes' means are better,
and trusted as far as these clusters lie apart.

Tarvainen & Valpola 2017 (arXiv 1703.01780); strong and weak views, and a threshold relative to the
confidence on the source: Berthelot et al. 2022 (AdaMatch, arXiv 2106.04732); labels by optimal
transport: Asano et al. 2020 (arXiv 1911.05371); clusters around class means: Liang et al. 2020
(SHOT, arXiv 2002.08546). Estimating the shares from them is ours, and so is the whole.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, one_hot

from sparring import ranks
from sparring.augment import strong, weak
from sparring.game import AdaptationMethod, Move, Pair, Shape, of_training
from sparring.nets.encoders import EncoderName, build_encoder
from sparring.nets.layers import Standardised

RECENT = 2048
"""Target images whose predictions are scaled together: enough for the rarest class to occur."""
RAMP = 0.2
"""Part of the training over which the target's loss gains its full weight."""
SOURCE_STEPS = 750
"""Steps after which the source has been learned well enough, however long the training is."""


@dataclass(eq=False, kw_only=True)
class MeanTeacher(AdaptationMethod):
    """A student on strong views, and a teacher whose labels keep the classes' shares."""

    PRESETS: ClassVar = {"modern": {}}
    scheduled = True
    averaged: ClassVar = {"feature_extractor": 0.995, "label_predictor": 0.995}

    encoder: EncoderName = "fast"
    """Feature extractor: "fast" for small images on a CPU, "resnet18-3x3", ..."""
    strong_views: bool = True
    """Train on strongly augmented images of both domains."""
    source_stage: float = 0.25
    """Part of the training before the target's labels count; 750 steps of it at most."""
    shares: Literal["estimated", "source", "free"] = "estimated"
    """How many target labels each class gets: as in the source at first, later as "estimated" from
    clusters; always as in the "source"; or as many as the teacher gives it, "free"."""
    drift: float = 0.003
    """How fast the shares follow the estimate: the part of the way in a step."""
    threshold: float = 0.9
    """A label counts where its chance is at least this, times the student's on the source."""

    def build(self, shape: Shape) -> None:
        network, features = build_encoder(self.encoder, shape.size)
        self.feature_extractor = Standardised(network)
        classes = len(shape.labels)
        self.label_predictor = nn.Linear(features, classes)
        even = torch.full((classes,), 1 / classes)
        self.recent_features = of_training(torch.zeros(RECENT, features))
        self.recent = of_training(even.log().repeat(RECENT, 1))
        self.source_count = of_training(torch.zeros(classes))
        self.target_shares = of_training(even)
        self.confidence = of_training(torch.tensor(1.0))
        self.leads = of_training(torch.zeros(2))  # of the target and of the source
        self.steps = of_training(torch.tensor(0))
        self.begin = of_training(torch.tensor(self.source_stage))  # where the stage ends, or ended
        self._seen: Seen | None = None

    def view(self, image: Tensor) -> Tensor:
        return strong(image) if self.strong_views else image

    def adapt(self, batch: Pair, progress: float) -> Move:
        sources = len(batch.source.image)
        image = self.view(torch.cat([batch.source.image, batch.target.image]))
        features = self.features(image)
        logits = self.classify(features)
        on_source, on_target = logits[:sources], logits[sources:]
        task = cross_entropy(on_source, batch.source.label)

        # Labels are shared out among the whole batch, whoever has which part of it.
        taught, predicted = map(ranks.whole, self._teach(batch.target.image))
        chance, label = ranks.mine(self._shared_out(predicted)).max(1)
        sure = (chance >= self.threshold * self.confidence).float()
        target = (sure * cross_entropy(on_target, label, reduction="none")).mean()

        student = features.detach()
        self._seen = Seen(
            ranks.whole(batch.source.label),
            ranks.whole(on_source.detach().softmax(1).amax(1)).mean(),
            taught,
            predicted,
            ranks.whole(student[:sources]),
            ranks.whole(student[sources:]),
        )
        terms = {"task": task, "target": target, "sure": sure.mean()}
        return Move("network", task + self._weight(progress) * target, terms)

    def stepped(self, progress: float) -> None:
        if self._seen is None:  # batches of the source alone have no use for a teacher
            return
        seen = self._seen
        self.confidence.lerp_(seen.confidence, 0.01)
        once = torch.ones_like(seen.label, dtype=torch.float)
        self.source_count.index_add_(0, seen.label, once)
        for recent, new in ((self.recent_features, seen.taught), (self.recent, seen.predicted)):
            recent.copy_(torch.cat([recent, new])[-RECENT:])
        self.steps.add_(1)
        # As tensors: to branch on them, each step would wait for the device.
        sooner = self.begin.clamp(max=progress)
        self.begin.copy_(torch.where(self.steps > SOURCE_STEPS, sooner, self.begin))
        over = progress >= self.begin
        shares = self.source_count / self.source_count.sum()
        if self.shares == "estimated":
            drifted = self.target_shares.lerp(self._estimate(seen, shares, over), self.drift)
            shares = torch.where(over, drifted, shares)
        self.target_shares.copy_(shares)

    def _estimate(self, seen: "Seen", of_source: Tensor, over: Tensor) -> Tensor:
        """The target's shares [K]: the sizes of its clusters, as far as they lie apart.

        That is measured by the student's features, from when the source stage is `over` (bool
        scalar), and in units of those of the source, which lie apart as they should: the nearer
        the target's lie together, the more the source's shares count. Else a cluster that takes in
        what belongs to others would grow and grow.
        """
        clusters = Clusters.of(self.recent_features, sinkhorn(self.recent, self.target_shares))
        both = [clusters.lead(features).mean() for features in (seen.target, seen.source)]
        self.leads.lerp_(torch.stack(both), 0.01 * over)
        trust = (self.leads[0] / self.leads[1].clamp_min(1e-6)).clamp(0, 1).square()
        return of_source.lerp(clusters.shares, trust)

    def _weight(self, progress: float) -> Tensor:
        """Of the target's loss: none at first, then along half a cosine up to 1."""
        ramp = ((progress - self.begin) / RAMP).clamp(0, 1)
        return (1 - torch.cos(torch.pi * ramp)) / 2

    @torch.no_grad()
    def _teach(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's features of target images, float32 [N, F], and log-probabilities [N, K]."""
        # Outside a training there are no means: then the student speaks for itself.
        encoder, predictor = (self.average.get(n, getattr(self, n)) for n in self.averaged)
        features = encoder(weak(image)).float()
        return features, predictor(features).float().log_softmax(1)

    def _shared_out(self, predicted: Tensor) -> Tensor:
        """Probabilities [N, K] of log-probabilities, among recent ones scaled to the shares."""
        if self.shares == "free":
            return predicted.exp()
        together = torch.cat([self.recent, predicted])
        return sinkhorn(together, self.target_shares)[-len(predicted) :]

    def features(self, image: Tensor) -> Tensor:
        return self.feature_extractor(image).float()

    def classify(self, features: Tensor) -> Tensor:
        return self.label_predictor(features).float()


def sinkhorn(logits: Tensor, shares: Tensor, rounds: int = 15) -> Tensor:
    """Probabilities [N, K] nearest to those of logits [N, K] among those whose means are `shares`.

    Rows and columns are scaled in turn (Cuturi 2013, arXiv 1306.0895); rows sum to 1.
    """
    chance = logits.softmax(1).clamp_min(1e-30)
    wanted = (len(chance) * shares).clamp_min(1e-6)
    rows = torch.ones_like(chance[:, 0])
    with torch.autocast(logits.device.type, enabled=False):
        for _ in range(rounds):
            columns = wanted / (rows @ chance)
            rows = 1 / (chance @ columns)
    return rows[:, None] * chance * columns


class Seen(NamedTuple):
    """What a step leaves for the estimate, of the whole batch.

    label: of the source [N]; confidence: the student's there, scalar; taught, predicted: the
    teacher's features [M, F] and log-probabilities [M, K] of the target; source, target: the
    student's features [N, F], [M, F].
    """

    label: Tensor
    confidence: Tensor
    taught: Tensor
    predicted: Tensor
    source: Tensor
    target: Tensor


class Clusters(NamedTuple):
    """Clusters of features, one a class.

    shares: their sizes [K], of 1. middle: [F], of their centres. ways: to each centre from there
    [K, F], of length 1 where each feature is measured by its spread, and once more by that spread.
    """

    shares: Tensor
    middle: Tensor
    ways: Tensor

    @classmethod
    def of(cls, features: Tensor, labels: Tensor, rounds: int = 3) -> "Clusters":
        """Of features [N, F]; labels: probabilities [N, K], the centres' at first.

        Features are compared by their direction from the middle of the centres; there a large
        cluster counts no more than a small one. Rows of zeros, not yet filled, do not count.
        """
        filled = features.any(1, keepdim=True).float()
        mean = features.mean(0)
        scale = (features.square().mean(0) - mean.square()).clamp_min(0).sqrt() + 1e-3
        labels = labels * filled
        for _ in range(rounds):
            centres = (labels.T @ features) / labels.sum(0).clamp_min(1e-6)[:, None]
            middle = centres.mean(0)
            # How long a feature's own way from the middle is does not change which is nearest.
            ways = normalize((centres - middle) / scale, dim=1) / scale
            found = cls(labels.sum(0), middle, ways)
            labels = one_hot(found.along(features).argmax(1), labels.shape[1]) * filled
        return found._replace(shares=labels.sum(0) / filled.sum().clamp_min(1))

    def along(self, features: Tensor) -> Tensor:
        """How far features [N, F] lie from the middle on the way to each centre: [N, K]."""
        return features @ self.ways.T - self.ways @ self.middle

    def lead(self, features: Tensor) -> Tensor:
        """How much farther each lies on its own way than on any other: [N]."""
        first, second = self.along(features).topk(2, 1).values.unbind(1)
        return first - second
