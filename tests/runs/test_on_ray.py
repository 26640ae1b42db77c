"""Runs on a real Ray cluster of three nodes on this machine, one of which is killed."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from sparring.errors import RequestError
from sparring.methods import DANN, DCGAN
from sparring.runs import ClassifierRun, GeneratorRun, Job, Library, processes
from sparring.runs.folder import Run
from sparring.runs.progress import Screen
from sparring.runs.scores import Scores
from sparring.runtime import Machine
from sparring.trainer import Training
from tests.conftest import CPU

ray = pytest.importorskip("ray")
pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
ONE = Machine(CPU, 1, 1)
GANS: list[Job] = [
    GeneratorRun(DCGAN(width=4), "faces", "", seed, Training(12, 4), 2, 30) for seed in range(2)
]
CLASSIFIERS: list[Job] = [
    ClassifierRun(DANN(encoder="small"), "adapted", "left", "right", seed, Training(12, 4), 2)
    for seed in range(3)
]


class Cluster:
    """Three nodes of one core each. bench: where the runs of all nodes are played."""

    def __init__(self, bench: Path) -> None:
        from ray.cluster_utils import Cluster

        self.bench = bench
        self.nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
        self.others = [self.nodes.add_node(num_cpus=1) for _ in range(2)]

    def kill(self) -> None:
        """One node dies at once, with the run that it is at, once all three are at one."""
        end = time.monotonic() + 60
        while len(list(self.bench.iterdir())) < 3:
            assert time.monotonic() < end
            time.sleep(0.05)
        self.nodes.remove_node(self.others.pop(), allow_graceful=False)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    bench = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        # What is played lies in `bench`; Ray's sockets, whose paths must be short, do not.
        patch.setenv("RAY_TMPDIR", os.environ.get("RAY_TMPDIR", tempfile.gettempdir()))
        patch.setenv("TMPDIR", str(bench))
        cluster = Cluster(bench)
        yield cluster
        cluster.nodes.shutdown()


def scores(folder: Path) -> Scores:
    """What a run's numbers are, but for how long they took."""
    return structs.replace(Run(folder).scores, seconds=0.0, images_per_second=0.0)


def test_a_node_that_dies_loses_no_run_and_all_end_as_they_do_here(
    cluster: Cluster, library: Library, tmp_path: Path
) -> None:
    from sparring.runs import on_ray

    jobs = [*GANS, *CLASSIFIERS]
    stale = tmp_path / "ray" / jobs[0].name / "log.jsonl"  # of a run that was stopped here
    stale.parent.mkdir(parents=True)
    stale.write_text("of an earlier run")
    ended = []
    on_cluster = on_ray.play(jobs, library, tmp_path / "ray", Screen(), ONE, cluster.nodes.address)
    for outcome in on_cluster:
        if not ended:
            cluster.kill()
        ended.append(outcome)
    assert any(cluster.bench.iterdir()), "the node that was killed was at no run"
    assert [outcome.failure for outcome in ended] == [None] * len(jobs)
    assert sorted(run.job.name for run in ended) == sorted(job.name for job in jobs)
    assert {path.name for path in (tmp_path / "ray").iterdir()} == {job.name for job in jobs}
    list(processes.play(jobs, library, tmp_path / "here", Screen(), ONE))
    for job in jobs:
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
