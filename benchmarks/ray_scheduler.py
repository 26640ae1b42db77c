"""What a list of runs costs Ray's scheduler: tasks that do nothing, asked for as runs are.

    python -m benchmarks.ray_scheduler --tasks 10000

On a Ray that is started here, or at --address. A run costs more: its process imports torch once,
and its files are sent back and written.
"""

import time

import ray
import tyro

from sparring.runs.on_ray import RETRIES


@ray.remote
def nothing() -> None:
    """Do nothing."""


def measure(tasks: int) -> tuple[float, float, float]:
    """Seconds until all are asked for, until the first has ended, and until all have."""
    task = nothing.options(
        num_cpus=1, max_retries=RETRIES, runtime_env={"env_vars": {"OMP_NUM_THREADS": "1"}}
    )
    started = time.monotonic()
    playing = {task.remote() for _ in range(tasks)}
    asked = first = time.monotonic()
    while playing:
        ended, _ = ray.wait(list(playing), num_returns=len(playing), timeout=1)
        if len(playing) == tasks:
            first = time.monotonic()
        playing.difference_update(ended)
    return asked - started, first - started, time.monotonic() - started


def main(tasks: int = 10_000, address: str | None = None) -> None:
    """Print what so many empty tasks cost."""
    started = time.monotonic()
    ray.init(address, include_dashboard=False, logging_level="ERROR")
    start = time.monotonic() - started
    asked, first, every = measure(tasks)
    ray.shutdown()
    print(
        f"Ray {ray.__version__} began in {start:.1f} s. {tasks:,} empty tasks: asked for in "
        f"{asked:.1f} s, the first ended by {first:.1f} s, all by {every:.1f} s: "
        f"{1000 * every / tasks:.2f} ms a task"
    )


if __name__ == "__main__":
    tyro.cli(main)
