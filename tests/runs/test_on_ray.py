"""Runs on a real Ray cluster of three nodes on this machine, one of which is killed."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from msgspec import structs

from sparring.errors import RequestError
from sparring.methods import DANN, DCGAN
from sparring.runs import ClassifierRun, GeneratorRun, Job, Library, processes
from sparring.runs.folder import Run
from sparring.runs.progress import Screen
from sparring.runs.scores import Scores
from sparring.runtime import Machine
from sparring.storage import to_json
from sparring.trainer import Training
from tests.conftest import CPU

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
ONE = Machine(CPU, 1, 1)
JOBS: list[Job] = [
    GeneratorRun(DCGAN(width=4), "faces", "", 0, Training(12, 4), 2, 30),
    *(
        ClassifierRun(DANN(encoder="small"), "adapted", "left", "right", seed, Training(12, 4), 2)
        for seed in range(3)
    ),
]


class Cluster:
    """Three nodes of one core each; two of them may be killed.

    benches: by node that may be killed, the folder in which its runs are played.
    """

    def __init__(self, place: Path) -> None:
        from ray.cluster_utils import Cluster

        self.nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        self.benches = {}
        for bench in (place / "left", place / "right"):
            bench.mkdir()
            node = self.nodes.add_node(num_cpus=1, env_vars={"TMPDIR": str(bench)})
            self.benches[node] = bench

    def kill_at_a_run(self) -> None:
        """Wait until a node is at a run, and kill it."""
        while not (busy := [node for node, bench in self.benches.items() if any(bench.iterdir())]):
            time.sleep(0.02)
        self.nodes.remove_node(busy[0], allow_graceful=False)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        # Ray's sockets need short paths: not those of pytest's folder.
        patch.setenv("RAY_TMPDIR", os.environ.get("RAY_TMPDIR", tempfile.gettempdir()))
        cluster = Cluster(tmp_path_factory.mktemp("benches"))
        yield cluster
        cluster.nodes.shutdown()


def scores(folder: Path) -> Scores:
    """What a run's numbers are, but for how long they took."""
    return structs.replace(Run(folder).scores, seconds=0.0, images_per_second=0.0)


def test_a_node_that_dies_loses_no_run_and_all_end_as_they_do_here(
    cluster: Cluster, library: Library, tmp_path: Path
) -> None:
    from sparring.runs import on_ray

    stale = tmp_path / "ray" / JOBS[0].name / "log.jsonl"  # of a run that was stopped here
    stale.parent.mkdir(parents=True)
    stale.write_text("of an earlier run")
    killer = Thread(target=cluster.kill_at_a_run, daemon=True)
    killer.start()
    ended = list(on_ray.play(JOBS, library, tmp_path / "ray", Screen(), ONE, cluster.nodes.address))
    killer.join(timeout=5)
    assert not killer.is_alive(), "no node was at a run"
    assert any(any(bench.iterdir()) for bench in cluster.benches.values()), "killed after its run"
    assert [outcome.failure for outcome in ended] == [None] * len(JOBS)
    assert sorted(run.job.name for run in ended) == sorted(job.name for job in JOBS)
    assert {path.name for path in (tmp_path / "ray").iterdir()} == {job.name for job in JOBS}
    list(processes.play(JOBS, library, tmp_path / "here", Screen(), ONE))
    for job in JOBS:
        there, here = (tmp_path / place / job.name for place in ("ray", "here"))
        assert scores(there) == scores(here)
        files = [
            sorted(p.relative_to(f) for p in f.rglob("*") if p.is_file()) for f in (there, here)
        ]
        assert files[0] == files[1]
        for name in ("config.json", "model/model.safetensors"):
            assert (there / name).read_bytes() == (here / name).read_bytes()


def test_an_error_of_a_request_ends_all(cluster: Cluster, library: Library, tmp_path: Path) -> None:
    from sparring.runs import on_ray

    absent = ClassifierRun(DANN(), "adapted", str(tmp_path / "no"), "right", 0, Training(2, 4))
    with pytest.raises(RequestError, match="no"):
        list(on_ray.play([absent], library, tmp_path, Screen(), ONE, cluster.nodes.address))
    assert not ray.is_initialized()


def test_a_run_folder_that_was_half_written_is_played_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparring.runs import on_ray

    config = JOBS[1].config(library, CPU)
    files = {"model/config.json": b"{}", "log.jsonl": b"", "scores.json": b"{}"}
    files |= {"config.json": to_json(config), "env.json": b"{}"}
    whole = on_ray.write_atomically
    for room in range(len(files)):
        left = iter(range(room))

        def on_a_small_disk(path: Path, data: bytes, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise OSError("No space left on device")
            whole(path, data)

        monkeypatch.setattr(on_ray, "write_atomically", on_a_small_disk)
        with pytest.raises(OSError, match="No space"):
            on_ray._write(files, tmp_path / "run")
        run = Run(tmp_path / "run")
        assert not run.finished
        assert not run.resized(config)  # nor is it something else


def test_a_cluster_of_another_version_is_told_in_one_line(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sparring.runs import on_ray

    def init(*_: object, **__: object) -> None:  # as Ray 2.60 tells it
        words = "The cluster was started with:\n    Ray: 2.50.0\n    Python: 3.12.1\n"
        raise RuntimeError(f"Version mismatch: {words}This process on 10.0.0.1 was started with:\n")

    monkeypatch.setattr(ray, "init", init)
    with pytest.raises(RequestError, match=r"with: Ray: 2\.50\.0 Python: 3\.12\.1 This process"):
        list(on_ray.play([], library, tmp_path, Screen(), ONE))
