"""What 1 to 1,000 devices would do, from what `benchmarks.scaling --json` measured on a few.

A step takes `fixed + per_image * images` seconds (from a whole and a half batch), and its messages
`messages * latency * log2(N) + bytes * 2 (N - 1) / N / bandwidth`: small ones go through a tree,
gradients round a ring. Nothing overlaps. The first table predicts what was measured with several
processes; the others go on to networks and devices that are assumed, as their heads say.

Run: python -m benchmarks.scaling_model FILE [FILE ...]
"""

import json
import sys
from dataclasses import dataclass
from math import ceil, log2
from pathlib import Path
from typing import Any

from benchmarks.scaling import ALONE, HALF, WIRE

DEVICES = (2, 10, 100, 1000)


@dataclass(frozen=True)
class Network:
    """latency: seconds for a message to one neighbour. bandwidth: bytes a second, each way."""

    name: str
    latency: float
    bandwidth: float

    @classmethod
    def measured(cls, wire: dict[str, float], processes: int) -> "Network":
        """From the seconds of a message of 4 bytes and of one of 32 MB."""
        moved = (4 << 23) * 2 * (processes - 1) / processes
        speed = moved / (wire["large"] - wire["small"])
        return cls("this machine", wire["small"] / log2(processes), speed)


NETWORKS = (Network("10 Gb/s, 50 µs", 50e-6, 1.25e9), Network("400 Gb/s, 10 µs", 10e-6, 50e9))
"""Assumed: usual Ethernet, and what joins machines of cards."""


@dataclass(frozen=True)
class Step:
    """fixed, per_image: seconds of computing. sent: bytes, in so many messages."""

    fixed: float
    per_image: float
    sent: float
    messages: float

    @classmethod
    def of(cls, cases: dict[str, dict[str, float]], batch: int, processes: int) -> "Step":
        whole, half = (cases[case]["seconds"] for case in (ALONE, HALF))
        wire = cases[f"{processes} processes"]
        per_image = (whole - half) / (batch - batch // 2)
        return cls(max(0.0, whole - batch * per_image), per_image, wire["bytes"], wire["messages"])

    def computing(self, images: float, times_faster: float = 1) -> float:
        return (self.fixed + images * self.per_image) / times_faster

    def sending(self, devices: int, network: Network) -> float:
        small = self.messages * network.latency * log2(devices)
        return small + self.sent * 2 * (devices - 1) / devices / network.bandwidth

    def efficiency(self, images: int, devices: int, network: Network, times_faster: float) -> float:
        """With so many images a device: the part of a step that is not sending."""
        work = self.computing(images, times_faster)
        return work / (work + self.sending(devices, network))

    def least_images(self, devices: int, network: Network, times_faster: float) -> int:
        """How many images a device needs for nine tenths of its time to be computing."""
        work = 9 * self.sending(devices, network) * times_faster
        return max(1, ceil((work - self.fixed) / self.per_image))


def tables(measured: dict[str, Any]) -> list[str]:
    """The lines of all tables, in Markdown."""
    batch, processes = measured["batch"], measured["processes"]
    here = Network.measured(measured[WIRE], processes)
    steps = {
        name: Step.of(cases, batch, processes)
        for name, cases in measured.items()
        if isinstance(cases, dict) and name != WIRE
    }
    found = [
        f"{processes} processes, {batch} images in the batch; a message takes "
        f"{1e6 * here.latency:.0f} µs and a second for {here.bandwidth / 1e9:.2f} GB:",
        "",
        "| method | fixed, ms | an image, ms | predicted, images/s | measured |",
        "|---|---|---|---|---|",
    ]
    crowded = max(1.0, processes / measured["cores"])
    for name, step in steps.items():
        predicted = crowded * step.computing(batch / processes) + step.sending(processes, here)
        true = measured[name][f"{processes} processes"]["seconds"]
        cells = f"{1000 * step.fixed:.0f} | {1000 * step.per_image:.2f}"
        found.append(f"| {name} | {cells} | {batch / predicted:.0f} | {batch / true:.0f} |")
    for network, faster, device in (
        (NETWORKS[0], 1, "cores like this one"),
        (NETWORKS[1], 100, "devices 100 times as fast"),
    ):
        heads = " | ".join(f"{count:,}" for count in DEVICES)
        found += [
            "",
            f"{device[0].upper()}{device[1:]} over {network.name}, {batch} images each:",
            "",
        ]
        found += [f"| method | {heads} | images each for 90 % at {DEVICES[-1]:,} |"]
        found += ["|---" * (len(DEVICES) + 2) + "|"]
        for name, step in steps.items():
            shares = [step.efficiency(batch, count, network, faster) for count in DEVICES]
            least = step.least_images(DEVICES[-1], network, faster)
            found.append(f"| {name} | {' | '.join(f'{x:.0%}' for x in shares)} | {least:,} |")
    return found


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print("\n".join([*tables(json.loads(Path(path).read_text())), ""]))
