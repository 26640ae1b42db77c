"""Images a second of ours against how many images lie in memory: it should be flat.

DANN with small batches, where the feed weighs most, on random uint8 images of both domains. Sizes
take turns, so that a machine that slows down slows all of them down. Prints a table and draws
docs/performance-size.png.

Run: python -m benchmarks.cost_v_size [ROUNDS] [LARGEST]
"""

import sys
import tempfile
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from benchmarks.speed.contest import Spread, spread

from sparring.data.feed import PairStream, Stream
from sparring.data.images import Images
from sparring.game import Pair, Shape
from sparring.methods import DANN
from sparring.runs.common import build
from sparring.runtime import Machine
from sparring.trainer import Trainer, Training

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
BATCH, STEPS = 16, 20
MACHINE = Machine.of(jobs=1)
DIGITS = tuple("0123456789")
FIGURE = Path(__file__).parents[1] / "docs" / "performance-size.png"


def images(count: int, seed: int) -> Images:
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 3, 32, 32), generator=random, dtype=torch.uint8)
    return Images(pixels, torch.randint(0, 10, (count,), generator=random), DIGITS)


def first(count: int, of: Images) -> Images:
    """Views, no copies: two whole sets have 6 GB."""
    assert of.labels is not None
    return Images(of.pixels[:count], of.labels[:count], DIGITS)


def speed(streams: PairStream, place: Path) -> tuple[float, float]:
    """Images a second, the start of the training left out; and of the feed alone."""
    moments: list[float] = []
    fed = 0.0

    def feed(step: int) -> Pair:
        nonlocal fed
        moments.append(time.perf_counter())
        batch = streams.pair(step)
        fed += time.perf_counter() - moments[-1]
        return batch

    place.mkdir()
    method = build(DANN(), Shape(32, DIGITS, "classes"), seed=0)
    Trainer(method, feed, Training(STEPS + 1, BATCH), place, MACHINE.device).run()
    return STEPS * BATCH / (moments[-1] - moments[0]), (STEPS + 1) * BATCH / fed


def draw(rows: dict[int, Spread]) -> None:
    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    sizes, found = list(rows), list(rows.values())
    below = [one.median - one.low for one in found]
    above = [one.high - one.median for one in found]
    axes.errorbar(sizes, [one.median for one in found], [below, above], marker="o", capsize=3)
    axes.set(xscale="log", xlabel="images of each domain in memory", ylabel="images/s", ylim=0)
    axes.set_title(f"DANN, batches of {BATCH} (median, quartiles)")
    figure.savefig(FIGURE, dpi=120)


def main() -> None:
    MACHINE.set_up()
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    largest = int(sys.argv[2]) if len(sys.argv) > 2 else SIZES[-1]
    sizes = [size for size in SIZES if size <= largest]
    whole = images(sizes[-1], 0), images(sizes[-1], 1)
    speeds: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as place:
        for number in range(rounds):
            for size in sizes:
                source, target = (first(size, part) for part in whole)
                streams = PairStream(
                    Stream(source, BATCH, (0, 0), MACHINE.device),
                    Stream(target.unlabelled(), BATCH, (0, 1), MACHINE.device),
                )
                speeds[size].append(speed(streams, Path(place) / f"{number}-{size}"))
    rows = {size: spread([whole for whole, _ in found]) for size, found in speeds.items()}
    print("images    images/s (quartiles)   feed alone")
    for size, row in rows.items():
        feed = spread([fed for _, fed in speeds[size]]).median
        print(f"{size:9,d} {row.median:8.1f} ({row.low:.1f}-{row.high:.1f}) {feed:12,.0f}")
    draw(rows)


if __name__ == "__main__":
    main()
