"""DSN: what the domains share is kept apart from what each has for itself.

A shared encoder and one private encoder a domain make two codes of each image. The label
classifier reads the shared code; a shared decoder must rebuild the image from the sum of both;
the difference loss keeps the two codes uncorrelated; the similarity loss, through gradient
reversal, makes shared codes of both domains alike.

Bousmalis et al. 2016 (arXiv 1608.06019), with ResNet18 and a linear layer as encoders.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from sparring import ranks
from sparring.game import Move, Pair, Shape
from sparring.methods.adversarial import AdversarialAdaptation
from sparring.methods.losses import difference_loss, domain_loss, scale_invariant_error
from sparring.nets.encoders import build_encoder
from sparring.nets.layers import Decoder, Head, reverse


@dataclass(eq=False, kw_only=True)
class DSN(AdversarialAdaptation):
    """L = L_task + alpha L_recon + beta L_difference + gamma L_similarity (equation 1)."""

    alpha: float = 0.15
    """Weight of the scale-invariant reconstruction loss."""
    beta: float = 0.075
    """Weight of the difference loss between private and shared codes."""
    gamma: float = 0.25
    """Weight of the adversarial similarity loss between the domains' shared codes."""
    code_size: int = 100
    """Length of each code."""
    decoder_width: int = 16
    """Channels of the decoder's hidden layers."""

    def build(self, shape: Shape) -> None:
        self.shared_encoder = self._encoder(shape.size)
        self.private_source_encoder = self._encoder(shape.size)
        self.private_target_encoder = self._encoder(shape.size)
        self.decoder = Decoder(self.code_size, shape.size, self.decoder_width)
        self.label_classifier = Head(self.code_size, len(shape.labels))
        self.domain_classifier = Head(self.code_size, 1)

    def _encoder(self, size: int) -> nn.Module:
        network, features = build_encoder(self.encoder, size)
        return nn.Sequential(network, nn.Linear(features, self.code_size))

    def adapt(self, batch: Pair, progress: float) -> Move:
        sources = len(batch.source.image)
        image = self.view(torch.cat([batch.source.image, batch.target.image]))
        shared = self.features(image)
        private_source = self.private_source_encoder(image[:sources]).float()
        private_target = self.private_target_encoder(image[sources:]).float()

        task = cross_entropy(self.classify(shared[:sources]), batch.source.label)

        # The paper sums the loss over the two domains, so each has its own mean.
        rebuilt = self.decoder(shared + torch.cat([private_source, private_target]))
        on_source = scale_invariant_error(rebuilt[:sources], image[:sources])
        reconstruction = on_source + scale_invariant_error(rebuilt[sources:], image[sources:])

        # Of the whole batch: it is no mean over images.
        codes = private_source, shared[:sources], private_target, shared[sources:]
        of_all = [ranks.whole(code) for code in codes]
        difference = difference_loss(*of_all[:2]) + difference_loss(*of_all[2:])

        guess = self.domain_classifier(reverse(shared, 1.0))
        similarity, accuracy = domain_loss(guess, sources)

        loss = task + self.alpha * reconstruction + self.beta * difference + self.gamma * similarity
        terms = {"task": task, "reconstruction": reconstruction, "difference": difference}
        terms |= {"similarity": similarity, "domain_accuracy": accuracy}
        return Move("network", loss, terms)

    def drawn(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """What the codes hold: images rebuilt from both, from one alone, and with codes swapped.

        Each gets the mean level of its column's image: the loss leaves it free.
        """
        image, shown = torch.cat([source, target]), {}
        shared = self.features(image)
        private = torch.cat(
            [self.private_source_encoder(source), self.private_target_encoder(target)]
        ).float()
        codes = {
            "shared + private": shared + private,
            "shared alone": shared,
            "private alone": private,
            "shared + other's private": shared + private.roll(len(source), 0),
        }
        for name, code in codes.items():
            rebuilt = self.decoder(code)
            level = image.mean((1, 2, 3), keepdim=True) - rebuilt.mean((1, 2, 3), keepdim=True)
            shown[name] = rebuilt + level
        return {"image": image} | shown

    def features(self, image: Tensor) -> Tensor:
        return self.shared_encoder(image).float()

    def classify(self, features: Tensor) -> Tensor:
        return self.label_classifier(features)
