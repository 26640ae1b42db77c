"""Writes a tiny output folder through the records that runs write: no network is trained here."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sparring.divergence import Event
from sparring.metrics.calibration import AccuracyEstimates, Bin
from sparring.metrics.extractor import Skill
from sparring.metrics.fidelity import Fidelity, Manifold
from sparring.metrics.scorecard import Flip, Leak
from sparring.metrics.statistics import Interval
from sparring.runs import records
from sparring.runs import scores as kinds
from sparring.runs.folder import Run, run_name
from sparring.storage import RowLog

ENVIRONMENT = records.Environment(
    sparring="0.2.0",
    python="3.12.3",
    torch="2.11.0",
    numpy="2.1.0",
    platform="Linux-6.1",
    cpu="Example CPU <8 cores>",
    device="cpu",
    threads=2,
    commit="abc1234",
)
LAYERS = tuple(
    records.Layer(name=f"{i}", kind=kind, detail="4x4", output=(64, 4, 4), parameters=9)
    for i, kind in enumerate(("Conv2d", "ReLU", "Conv2d"))
)
NETWORK = records.Network(title="Net", summary="Of <three>.", parameters=27, layers=LAYERS)
ABOUT = "A method & no more.\n\nSecond\nparagraph."
SKILL = Skill(
    500, {"Smiling": 0.9, "Male": 0.8}, {"Smiling": 0.9, "Male": 0.7}, {"Smiling": 0.5, "Male": 0.6}
)
SCENARIOS = ("source-only", "adapted", "target-only")
ACCURACY = dict(zip(SCENARIOS, (0.4, 0.5, 0.8), strict=True))
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def interval(value: float, n: int = 10) -> Interval:
    return Interval(value, value - 0.05, value + 0.05, n)


def fidelity(frechet: float, n: int = 500) -> Fidelity:
    return Fidelity("convnet", n, n, frechet, interval(0.01), Manifold(0.75, 0.25, 0.5, 0.125, 5))


class Maker:
    """Writes run folders, and the plan of one output folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.planned: list[str] = []
        self.rng = np.random.default_rng(0)

    def plan(self, **changed: Any) -> Path:
        plan = records.Plan(
            command="sparring train --out <here>",
            budget="quick",
            started="2026-01-02T03:04:05Z",
            runs=self.planned,
            purpose="training",
        )
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / "plan.json"
        path.write_bytes(msgspec.json.encode(msgspec.structs.replace(plan, **changed)))
        return self.out

    def data(self, name: str, **changed: Any) -> records.Data:
        facts = {"kind": "real", "train": 4000, "test": 500, "labelled": True}
        return records.Data(name=name, fingerprint=f"sha256:{'ab' * 32}", **(facts | changed))

    def run(self, config: dict[str, Any], scores: kinds.Scores, **logged: Any) -> Run:
        known = {
            "preset": "report2019",
            "seed": 0,
            "settings": {"learning_rate": 0.0002},
            "training": records.Length(steps=600, batch_size=128, precision="float32"),
            "size": 32,
            "label_kind": "classes",
            "label_names": DIGITS,
        }
        made = records.Config(**(known | config))
        names = made.label_names if made.scenario == "generation" else ()
        parts = (made.method, *made.sets, *names, made.preset, made.arm, made.scenario, made.seed)
        folder = Run(self.out / "runs" / run_name(*filter(None, map(str, parts))))
        (folder.path / "model").mkdir(parents=True)
        self.planned.append(folder.name)
        for record in (made, ENVIRONMENT, records.Architecture(about=ABOUT, networks=(NETWORK,))):
            folder.write(record)
        log = RowLog(folder.path / "log.jsonl")
        for k in range(60):
            row = {part: {n: v[k] for n, v in lines.items()} for part, lines in logged.items()}
            log.append({"step": 10 * k + 10, "images": 1280 * k + 1280, "seconds": k} | row)
        folder.write(scores)
        return folder

    def images(self, *shape: int) -> np.ndarray[Any, Any]:
        coarse = self.rng.integers(0, 256, (*shape, 3, 8, 8), dtype=np.uint8)
        return coarse.repeat(4, -1).repeat(4, -2)

    def generator(
        self, method: str, labels: tuple[str, ...] = (), kind: str = "attributes", **config: Any
    ) -> Run:
        """A finished generator with everything that one may leave behind."""
        time = np.linspace(0, 1, 60)
        judged = {"judge": self.judge(), "scorecard": self.scorecard(labels, kind)}
        folder = self.run(
            {
                "method": method,
                "scenario": "generation",
                "data": {"images": self.data("faces", kind="stand-in")},
                "label_kind": kind if labels else "none",
                "label_names": labels,
                **config,
            },
            kinds.GeneratorScores(
                metrics={"diversity": 0.93, "frechet": 42.0, "kid": 0.01, "memorised": None},
                averaged={"diversity": 0.95, "frechet": 30.5, "kid": 0.005},
                seconds=66.6,
                images_per_second=1152.0,
                notes=("A note.",),
                extractor=kinds.Extractor(
                    name="convnet", frechet="Fréchet distance (convnet)", skill=SKILL
                ),
                fidelity={"generated": fidelity(42.0), "real test images": fidelity(3.0)},
                copies=kinds.Copies(
                    verdict="no sign of copying",
                    ratio=0.97,
                    suspects=4,
                    expected=5.0,
                    copies=0,
                    alarm=False,
                    n=500,
                    n_train=4000,
                    n_unseen=500,
                ),
                pair_label=labels[0] if labels and kind == "attributes" else "",
                changed=labels[:1] if kind == "attributes" else (),
                **(judged if labels else {}),
            ),
            losses={"discriminator": 2 - time, "generator": 1.2 + 2 * time},
            terms={"hits_real": 0.8 + 0 * time, "hits_fake": 0.7 + 0 * time},
            gradients={"generator": 1 + time},
            measures={"diversity": 0.9 + 0 * time},
        )
        arrays = {
            "samples": self.images(32),
            "walk": self.images(9, 4),
            "progress": self.images(4, 8),
            "progress_steps": np.array([0, 200, 400, 600]),
            "suspects": self.images(8),
            "suspects_nearest": self.images(8),
            "averaged": self.images(2, 8),
        }
        if labels and kind == "attributes":
            arrays |= {"pairs": self.images(10, 2), "change_means": self.images(1, 2)}
            arrays["growing"] = self.images(len(labels[:2]), 7, 8)
            arrays["change_heat"] = np.ones((1, 32, 32), np.float32)
        elif labels:
            arrays["classes"] = self.images(len(labels), 8)
        folder.write_arrays("pictures", arrays)
        return folder

    def judge(self) -> kinds.Judge:
        return kinds.Judge(skill=SKILL, learned_from=f"sha256:{'cd' * 32}")

    def scorecard(self, labels: tuple[str, ...], kind: str) -> kinds.Scorecard:
        turned = kinds.Turned(
            pairs=250,
            flip=Flip(interval(0.6), interval(0.1), interval(0.2), interval(0.1)),
            levels=12.5,
            relative=0.31,
            half_area=None,
            leakage={"Male": Leak(interval(0.2), -0.1, 0.3)} if kind == "attributes" else {},
        )
        return kinds.Scorecard(
            labels={name: interval(0.8) for name in labels},
            turned=dict.fromkeys(labels, turned),
            classes={"sort": kinds.OfClass(kid=interval(0.3), floor=None, diversity=0.8)},
        )

    def classifier(
        self,
        method: str,
        scenario: str = "adapted",
        sets: tuple[str, str] = ("here", "there"),
        labelled: bool = True,
        scores: dict[str, Any] | None = None,
        **config: Any,
    ) -> Run:
        """A finished classifier; `scores` replace those by default."""
        time = np.linspace(0, 1, 60)
        data = {"source": self.data(sets[0]), "target": self.data(sets[1], labelled=labelled)}
        seed = config.get("seed", 0)
        judged = {
            "accuracy": ACCURACY[scenario] + 0.01 * seed,
            "confusion": confusion(),
            "trust": trust(),
        }
        given = {
            "source_accuracy": 0.97,
            "test_images": 400,
            "predicted_shares": (0.55, 0.05, *[0.05] * 8),
            "estimated": AccuracyEstimates(0.45, 0.55, 0.5, 0.9),
            "temperature": 2.5,
            "seconds": 66.6,
            "images_per_second": 1152.0,
            "mixing": 0.1 if scenario == "source-only" else 0.4,
            "a_distance": 1.5,
            "drawn": ("image", "rebuilt") if (method, scenario) == ("dsn", "adapted") else (),
            **(judged if labelled else {"accuracy": None}),
            **(scores or {}),
        }
        folder = self.run(
            {"method": method, "scenario": scenario, "data": data, "per_class": 12} | config,
            kinds.ClassifierScores(**given),
            losses={"network": 2 - time},
            terms={"task": 1 - time, "domain": 0.7 + time, "domain_accuracy": 0.9 - 0.4 * time},
        )
        opening = {"set": sets[1], "split": "test", "labels": f"sha256:{'cd' * 32}"}
        time_of = "2026-01-02T03:04:05+00:00"
        early = [] if scenario != "target-only" else ["training"]
        readers = [*early, "final evaluation"] if labelled else []
        folder.write(
            records.Openings(
                tuple(records.Opening(reader=reader, time=time_of, **opening) for reader in readers)
            )
        )
        self.features(folder, labelled)
        if given["drawn"]:
            folder.write_arrays("pictures", {"drawn": self.images(2, 10)})
        return folder

    def features(self, folder: Run, labelled: bool, each: int = 12) -> None:
        label = np.tile(np.repeat(np.arange(10), each), 2)
        domain = np.repeat([0, 1], 10 * each)
        angle = 2 * np.pi * label / 10
        points = 10 * np.stack([np.cos(angle), np.sin(angle)], 1) + domain[:, None]
        known = label if labelled else np.where(domain == 1, -1, label)
        points = (points + self.rng.normal(size=points.shape)).astype(np.float32)
        thumbnails = np.random.default_rng(1).integers(0, 256, (len(label), 3, 2, 2), np.uint8)
        folder.write_arrays(
            "features",
            {
                "points": points,
                "label": known,
                "predicted": label,
                "confidence": np.linspace(0, 1, len(label), dtype=np.float32),
                "domain": domain,
                "pictured": np.ones(len(label), bool),
                "thumbnails": thumbnails.repeat(12, -1).repeat(12, -2),
            },
        )
        said = [0, 1, 0, 0, 4, 5] if "source-only" in folder.name else [0, 9, 2, 3, 5, 5]
        folder.write_arrays(
            "outputs",
            {
                "example_pixels": np.random.default_rng(0).integers(
                    0, 256, (6, 3, 32, 32), dtype=np.uint8
                ),
                "example_label": np.arange(6) if labelled else np.full(6, -1),
                "example_predicted": np.array(said),
                **(self.cells() if labelled else {}),
            },
        )

    def cells(self) -> dict[str, np.ndarray[Any, Any]]:
        """Of `confusion`: two images of `three` read as `five`, one of `seven` read as `one`."""
        return {
            "cell_label": np.array([3, 7, 3]),
            "cell_predicted": np.array([5, 1, 5]),
            "cell_confidence": np.array([0.9, 0.8, 0.7], np.float32),
            "cell_thumbnails": self.images(3)[..., 4:28, 4:28],
        }


def confusion() -> tuple[tuple[int, ...], ...]:
    """Nine in ten right; of `three` one in ten is read as `five`, of `seven` fewer as `one`."""
    table = np.eye(10, dtype=int) * 90
    table[3, 5], table[7, 1] = 10, 4
    return tuple(map(tuple, table.tolist()))


def trust() -> kinds.Trust:
    return kinds.Trust(
        calibration_error=0.3,
        calibration_error_tempered=0.15,
        reliability=(Bin(0.4, 0.5, 0.45, 0.25, 100), Bin(0.9, 1.0, 0.95, 0.8, 300)),
        risk_coverage=kinds.RiskCoverage(coverage=(0.5, 1.0), risk=(0.2, 0.5), area=0.25),
    )


def selection(accuracies: tuple[float | None, ...], chosen: int) -> kinds.Selection:
    """States at steps 200, 400, ..., of these accuracies."""
    states = tuple(
        kinds.Candidate(step=200 * k + 200, validators={"class_ami": 0.1 * k}, accuracy=value)
        for k, value in enumerate(accuracies)
    )
    ranks = {"class_ami": 0.5 if None not in accuracies else None, "nuclear_norm": None}
    return kinds.Selection(
        rule="consensus", candidates=states, chosen=chosen, rank_correlation=ranks
    )


def compare(folder: Run, twin: Run, rings: bool) -> None:
    """Write what the alarm said of an adapted run."""
    words = "The adapted classifier looks worse." if rings else "No sign of negative transfer."
    folder.write(
        records.TransferAlarm(
            twin=twin.name,
            rings=rings,
            words=words,
            changes={"class_ami": -0.5},
            disagreement=0.4,
            allowed=0.9,
            overlap_lost=0.1,
            overlap_error=0.01,
            estimated_twin=0.5,
            estimated_adapted=0.6,
            source_change=-0.01,
        )
    )


def happened(folder: Run, kind: str = "alarm") -> None:
    """Write that something happened to a training."""
    what = "collapse: the diversity has fallen to 0.10"
    folder.write(records.Events((Event(step=300, kind=kind, what=what),)))  # type: ignore[arg-type]
