"""A tiny output folder of `reproduce`, made by hand: no network is trained here."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparring.report import build
from sparring.runs.folder import RunFolder
from tests.report.judged import PAIR, add, compare, examples, opening, selection, text, trust

ENVIRONMENT = {
    "sparring": "0.1.0",
    "python": "3.12.3",
    "torch": "2.9.0",
    "platform": "Linux-6.1",
    "cpu": "Example CPU <8 cores>",
    "device": "cpu",
    "threads": 2,
    "commit": "abc1234",
}
SIZES = {
    "toy-faces": ("stand-in", 4000, 500),
    "mnist-m": ("real", 59001, 9001),
    "meter-digits": ("real", 11732, 3035),
}
DATA = [
    {
        "asked": "celeba",
        "used": "toy-faces",
        "kind": "stand-in",
        "why": "celeba/ was not found under data; toy-faces was drawn",
    },
    {"asked": "mnist-m", "used": "mnist-m", "kind": "real", "why": "found"},
    {
        "asked": "svhn",
        "used": "meter-digits",
        "kind": "real",
        "why": "svhn/ was not found under data; meter-digits was",
    },
]
ACCURACY = {
    ("dann", "mnist-m"): (0.40, 0.50, 0.80),
    ("dann", "meter-digits"): (0.50, 0.80, 0.90),
    ("dsn", "mnist-m"): (0.38, 0.55, 0.81),
    ("dsn", "meter-digits"): (0.48, 0.82, 0.90),
    ("mcd", "mnist-m"): (0.40, 0.60, 0.80),
}
SCENARIOS = ("source-only", "adapted", "target-only")
ARCHITECTURE = [
    {
        "title": "Generator",
        "summary": "Noise to a 64 x 64 image.",
        "layers": [
            {
                "name": name,
                "kind": kind,
                "detail": "4x4, stride 2, spectral norm",
                "output": [512 >> i, 4 << i, 4 << i],
                "parameters": 1_048_576 >> i,
            }
            for i in range(5)
            for name, kind in [(f"block.{i}.0", "ConvTranspose2d"), (f"block.{i}.1", "ReLU")]
        ],
        "parameters": 3_576_704,
    }
]


class Maker:
    """Writes run folders and the plan of one output folder."""

    def __init__(self, out: Path, seeds: tuple[int, ...], budget: str, data: list[Any]) -> None:
        self.out, self.seeds, self.budget, self.data = out, seeds, budget, data
        self.planned: list[str] = []
        self.about: dict[str, str] = {}
        self.experiments: dict[str, dict[str, list[str]]] = {}
        self.rng = np.random.default_rng(0)

    def plan(self) -> None:
        verb = "reproduce" if self.data else "train"
        plan = {
            "schema": 1,
            "command": f"sparring {verb} --data ../data --out <here>",
            "budget": self.budget,
            "seeds": list(self.seeds),
            "started": "2026-01-02T03:04:05Z",
            "data": self.data,
            "runs": self.planned,
            "experiments": self.experiments,
        }
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "plan.json").write_text(json.dumps(plan))

    def run(self, name: str, config: dict[str, Any], scores: dict[str, Any], **losses: Any) -> Path:
        self.planned.append(name)
        folder = RunFolder(self.out / "runs" / name)
        folder.open(
            {
                "preset": "report2019",
                "settings": {"learning_rate": 0.0002, "betas": [0.5, 0.999]},
                "training": {"steps": 600, "batch_size": 128, "precision": "float32"},
                **config,
            }
        )
        sets = [config[key] for key in ("faces", "source", "target") if key in config]
        facts = {
            s: {"kind": k, "train": n, "test": m, "fingerprint": f"sha256:{'ab' * 32}"}
            for s in sets
            for k, n, m in [SIZES.get(s, ("real", 10, 5))]
        }
        folder.write("env", {**ENVIRONMENT, **self.about, "data": facts})
        folder.write("architecture", ARCHITECTURE)
        for index in range(60):
            row = {part: {k: float(v[index]) for k, v in d.items()} for part, d in losses.items()}
            step = 10 * (index + 1)
            folder.append_log({"step": step, "images": 128 * step, "seconds": step / 9, **row})
        folder.write("scores", {"seconds": 66.6, "images_per_second": 1152.0, **scores})
        return folder.path

    def images(self, *shape: int) -> np.ndarray[Any, Any]:
        coarse = self.rng.integers(0, 256, (*shape, 3, 8, 8), dtype=np.uint8)
        return coarse.repeat(8, -1).repeat(8, -2)

    def generator(
        self, method: str, attributes: list[str], seed: int, opponent: str = "discriminator"
    ) -> Path:
        named = "+".join(attributes) if len(attributes) < 4 else "all"
        time = np.linspace(0, 1, 60)
        fall = np.exp(-6 * time) if attributes else 1 - time
        losses = {opponent: 1 + fall, "generator": 1.2 + 2 * time * (not attributes)}
        metrics = {"diversity": 0.93 - 0.01 * seed, f"{opponent}_loss": 1.0}
        path = self.run(
            f"{method}-{named}-{seed}" if attributes else f"{method}-{seed}",
            {
                "method": method,
                "scenario": "generation",
                "faces": "toy-faces",
                "attributes": attributes,
                "seed": seed,
            },
            {"kind": "generation", "metrics": metrics},
            losses=losses,
            terms={"real": losses[opponent] / 2},
        )
        arrays = {
            "samples": self.images(32),
            "progress": self.images(4, 8),
            "progress_steps": np.array([0, 200, 400, 600]),
        }
        if attributes:
            arrays |= {"pairs": self.images(10, 2), "pair_attribute": np.array("Smiling")}
        np.savez(path / "samples.npz", **arrays)
        return path

    def adaptation(
        self,
        method: str,
        source: str,
        target: str,
        seed: int,
        scenarios: tuple[str, ...] = SCENARIOS,
    ) -> None:
        accuracies = ACCURACY[method, source.replace("svhn", "meter-digits")]
        for scenario in scenarios:
            index = SCENARIOS.index(scenario)
            noise = np.exp(-np.linspace(0, 5, 60)) + 0.05 * self.rng.random(60)
            confusion = (np.eye(10, dtype=int) * 90).tolist()
            confusion[3][5], confusion[1][7] = 10, 4
            path = self.run(
                f"{method}-{source}-{target}-{scenario}-{seed}",
                {
                    "method": method,
                    "scenario": scenario,
                    "source": source,
                    "target": target,
                    "attributes": [],
                    "seed": seed,
                },
                {
                    "kind": "adaptation",
                    "accuracy": accuracies[index] + 0.01 * seed,
                    "source_accuracy": 0.97,
                    "test_images": 3035,
                    "mixing": None if index == 2 else 0.1 + 0.3 * index,
                    "confusion": confusion,
                },
                losses={"network": 2 * noise},
                terms={
                    "task": noise,
                    "domain": 0.69 + 0.1 * noise,
                    **({"reconstruction": 0.01 * noise} if method == "dsn" else {}),
                    "domain_accuracy": 0.5 + 0.4 * noise.clip(0, 1),
                },
            )
            if scenario != "target-only":
                self.features(path, apart=2.0 - index)

    def features(self, path: Path, apart: float, each: int = 12) -> None:
        label = np.tile(np.repeat(np.arange(10), each), 2)
        domain = np.repeat([0, 1], 10 * each)
        angle = 2 * np.pi * label / 10
        centre = 10 * np.stack([np.cos(angle), np.sin(angle)], 1) + apart * domain[:, None]
        np.savez(
            path / "features.npz",
            embedding=(centre + self.rng.normal(size=centre.shape)).astype(np.float32),
            label=label,
            domain=domain,
            class_names=np.array([str(i) for i in range(10)]),
            per_class=np.array(each),
        )


def make(
    out: Path,
    seeds: tuple[int, ...] = (0,),
    budget: str = "quick",
    data: list[Any] | None = None,
    sets: tuple[str, str] = ("mnist-m", "meter-digits"),
) -> Maker:
    """Write a whole reproduction with one DCGAN, three ACGANs, two methods on two pairs."""
    maker = Maker(out, seeds, budget, DATA if data is None else data)
    for seed in seeds:
        maker.generator("dcgan", [], seed)
        for attributes in (["Smiling"], ["Smiling", "Male"], [f"a{i}" for i in range(40)]):
            maker.generator("acgan", attributes, seed)
        for method in ("dann", "dsn"):
            maker.adaptation(method, *sets, seed)
            maker.adaptation(method, *sets[::-1], seed)
    maker.plan()
    return maker


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole reproduction with one seed, and its report. Tests only read it."""
    out = tmp_path_factory.mktemp("reproduction")
    make(out)
    build(out)
    return out


@pytest.fixture(scope="session")
def reproduce() -> Callable[..., Maker]:
    """`make`, for tests that want a reproduction of their own."""
    return make


@pytest.fixture
def training(tmp_path: Path) -> Maker:
    """An empty output folder of `sparring train`, to be filled: no data roles, no reproduction."""
    return Maker(tmp_path / "training", (0,), "quick", [])


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, reproduce: Any) -> Path:
    """DANN and DSN on one pair with seeds 0 to 2; adapted DANN of seed 2 lost accuracy."""
    out = tmp_path_factory.mktemp("judged")
    maker = reproduce(out, seeds=())
    runs = out / "runs"
    for seed in range(3):
        for method in ("dann", "dsn"):
            maker.adaptation(method, "mnist-m", "meter-digits", seed)
            add(runs, f"{method}-{PAIR}-source-only-{seed}", trust=trust(0.5), a_distance=1.5)
            better = {"a_distance": 1.0 + 0.1 * seed, "trust": trust(0.6, 0.1)}
            add(runs, f"{method}-{PAIR}-adapted-{seed}", **better)
            compare(runs, f"{method}-{PAIR}-adapted-{seed}", rings=(method, seed) == ("dann", 2))
            record = [opening("training", "train"), opening()]
            path = runs / f"{method}-{PAIR}-target-only-{seed}/labels.json"
            path.write_text(json.dumps(record))
        examples(runs / f"dann-{PAIR}-source-only-{seed}", [0, 1, 0, 0, 4, 5])
        examples(runs / f"dann-{PAIR}-adapted-{seed}", [0, 9, 2, 3, 5, 5])
    add(runs, f"dann-{PAIR}-adapted-0", selection=selection(0.50, 0.45, 0.55, 0.5))
    add(runs, f"dann-{PAIR}-adapted-1", selection=selection(0.51, 0.53, 0.53, None))
    add(runs, f"dann-{PAIR}-adapted-2", accuracy=0.40)
    maker.plan()
    build(out)
    return out


@pytest.fixture(scope="module")
def results(judged: Path) -> dict[str, Any]:
    """The results.json of `judged`."""
    return json.loads((judged / "results.json").read_text())


@pytest.fixture(scope="module")
def words(judged: Path) -> str:
    """The words of the page of `judged`."""
    return text(judged / "report.html")
