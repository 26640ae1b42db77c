"""The four training loops as the public tutorials write them. Nothing here is tuned.

Float32 and NCHW; one pass for each kind of image; `zero_grad`, `backward`, `step`; a loss is
read with `.item()` as soon as it is there, in every step. Adam is called as the tutorials call
it. Their structure is that of

- DCGAN: PyTorch's own tutorial on faces (real pass, fake pass, generator);
- ACGAN: the most copied collection of PyTorch GANs (generator first), with ACGAN's losses on
  logits and the real batch's labels for the fakes;
- DANN and DSN: the most copied PyTorch versions (source pass, then target pass). Where theirs
  steps DSN's optimizer after each domain, here one step follows both, as in the paper: the
  same function as our method, and less work.

They differ from our methods' step in what is computed together only: batch norm sees source and
target apart.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from benchmarks.speed.tutorial_nets import GAN, DANNNet, DSNNet
from torch import Tensor, nn, optim

from sparring.game import Method, Shape
from sparring.methods import ACGAN, DANN, DCGAN, DSN

Labelled = tuple[Tensor, Tensor]
"""What a DataLoader gives: float32 images [N, 3, S, S] in [-1, 1], and labels."""
History = list[dict[str, float]]
"""The losses of every step."""


def train_dcgan(net: GAN, batches: Iterable[Labelled], settings: DCGAN, device: Any) -> History:
    """Train on every batch, the discriminator first. The labels are not used."""
    net_g, net_d, criterion = net.generator, net.discriminator, nn.BCEWithLogitsLoss()
    optimizer_d = optim.Adam(net_d.parameters(), lr=settings.learning_rate, betas=settings.betas)
    optimizer_g = optim.Adam(net_g.parameters(), lr=settings.learning_rate, betas=settings.betas)
    history = []
    for images, _ in batches:
        net_d.zero_grad()
        real = images.to(device)
        size = real.size(0)
        label = torch.full((size,), 1.0, dtype=torch.float, device=device)
        err_d_real = criterion(net_d(real)[0], label)
        err_d_real.backward()

        noise = torch.randn(size, settings.noise_size, 1, 1, device=device)
        fake = net_g(noise)
        label.fill_(0.0)
        err_d_fake = criterion(net_d(fake.detach())[0], label)
        err_d_fake.backward()
        err_d = err_d_real + err_d_fake
        optimizer_d.step()

        net_g.zero_grad()
        label.fill_(1.0)
        err_g = criterion(net_d(fake)[0], label)
        err_g.backward()
        optimizer_g.step()
        history.append({"discriminator": err_d.item(), "generator": err_g.item()})
    return history


def train_acgan(net: GAN, batches: Iterable[Labelled], settings: ACGAN, device: Any) -> History:
    """Train on every batch, the generator first."""
    adversarial_loss, auxiliary_loss = nn.BCEWithLogitsLoss(), nn.BCEWithLogitsLoss()
    generator, discriminator, embedding = net.generator, net.discriminator, net.embedding
    optimizer_g = optim.Adam(
        [*embedding.parameters(), *generator.parameters()],
        lr=settings.learning_rate,
        betas=settings.betas,
    )
    optimizer_d = optim.Adam(
        discriminator.parameters(), lr=settings.learning_rate, betas=settings.betas
    )
    history = []
    for images, truth in batches:
        real, labels = images.to(device), truth.float().to(device)
        valid = torch.ones(len(real), device=device)
        fake = torch.zeros(len(real), device=device)

        optimizer_g.zero_grad()
        noise = torch.randn(len(real), settings.noise_size, device=device)
        rows = labels.long() + 2 * torch.arange(labels.shape[1], device=device)
        inputs = torch.cat((noise, embedding(rows).flatten(1)), 1)
        generated = generator(inputs[:, :, None, None])
        validity, predicted = discriminator(generated)
        g_loss = adversarial_loss(validity, valid) + auxiliary_loss(predicted, labels)
        g_loss.backward()
        optimizer_g.step()

        optimizer_d.zero_grad()
        validity, predicted = discriminator(real)
        d_real_loss = adversarial_loss(validity, valid) + auxiliary_loss(predicted, labels)
        validity, predicted = discriminator(generated.detach())
        d_fake_loss = adversarial_loss(validity, fake) + auxiliary_loss(predicted, labels)
        d_loss = d_real_loss + d_fake_loss
        d_loss.backward()
        optimizer_d.step()
        history.append({"discriminator": d_loss.item(), "generator": g_loss.item()})
    return history


def train_dann(
    net: DANNNet, batches: Iterable[tuple[Labelled, Labelled]], settings: DANN, device: Any
) -> History:
    """Train on every pair of batches: a source pass, then a target pass, then one step."""
    loss_class, loss_domain = nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()
    optimizer = optim.Adam(net.parameters(), lr=settings.learning_rate, betas=settings.betas)
    history = []
    for (source, label), (target, _) in batches:
        net.zero_grad()
        source, label = source.to(device), label.to(device)
        class_output, domain_output = net(source, settings.reversal_weight)
        err_s_label = loss_class(class_output, label)
        err_s_domain = loss_domain(domain_output, torch.zeros(len(source), 1, device=device))

        target = target.to(device)
        _, domain_output = net(target, settings.reversal_weight)
        err_t_domain = loss_domain(domain_output, torch.ones(len(target), 1, device=device))

        # Our method has the mean over both domains: half of the sum of both means.
        err = err_s_label + (err_s_domain + err_t_domain) / 2
        err.backward()
        optimizer.step()
        history.append(
            {
                "task": err_s_label.item(),
                "domain": (err_s_domain.item() + err_t_domain.item()) / 2,
            }
        )
    return history


class SIMSE(nn.Module):
    """Scale-invariant mean squared error, averaged over images."""

    def forward(self, prediction: Tensor, real: Tensor) -> Tensor:
        difference = (real - prediction).view(len(real), -1)
        return (difference.pow(2).mean(1) - difference.mean(1).pow(2)).mean()


class DiffLoss(nn.Module):
    """Mean squared correlation of two codes, centred and of unit length."""

    def forward(self, private: Tensor, shared: Tensor) -> Tensor:
        private = private - private.mean(0, keepdim=True)
        shared = shared - shared.mean(0, keepdim=True)
        private = private / private.norm(dim=1, keepdim=True)
        shared = shared / shared.norm(dim=1, keepdim=True)
        return private.t().mm(shared).pow(2).mean()


def train_dsn(
    net: DSNNet, batches: Iterable[tuple[Labelled, Labelled]], settings: DSN, device: Any
) -> History:
    """Train on every pair of batches: target pass and backward, source's, then one step."""
    loss_class, loss_similarity = nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()
    loss_recon, loss_diff = SIMSE(), DiffLoss()
    optimizer = optim.Adam(net.parameters(), lr=settings.learning_rate, betas=settings.betas)
    history = []
    for (source, label), (target, _) in batches:
        optimizer.zero_grad()
        losses = {"task": 0.0, "reconstruction": 0.0, "difference": 0.0, "similarity": 0.0}
        for mode, truth in (("target", 1.0), ("source", 0.0)):
            image = (source if mode == "source" else target).to(device)
            private, shared, domain, logits, rebuilt = net(image, mode)
            # Half of each domain's mean, as above.
            similarity = loss_similarity(domain, torch.full_like(domain, truth)) / 2
            difference = loss_diff(private, shared)
            reconstruction = loss_recon(rebuilt, image)
            loss = settings.gamma * similarity + settings.beta * difference
            loss = loss + settings.alpha * reconstruction
            if mode == "source":
                task = loss_class(logits, label.to(device))
                loss = loss + task
                losses["task"] += task.item()
            loss.backward()
            losses["reconstruction"] += reconstruction.item()
            losses["difference"] += difference.item()
            losses["similarity"] += similarity.item()
        optimizer.step()
        history.append(losses)
    return history


@dataclass(frozen=True)
class Tutorial:
    """One reference: how its network is built from a method's settings, and how it is trained."""

    network: Callable[[Any, Shape], nn.Module]
    train: Callable[[Any, Iterable[Any], Any, torch.device], History]


TUTORIALS: dict[type[Method], Tutorial] = {
    DCGAN: Tutorial(GAN, train_dcgan),
    ACGAN: Tutorial(GAN, train_acgan),
    DANN: Tutorial(DANNNet, train_dann),
    DSN: Tutorial(DSNNet, train_dsn),
}
"""The reference of each method."""
