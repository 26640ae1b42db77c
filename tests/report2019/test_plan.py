from collections import Counter
from pathlib import Path

from sparring.report2019.plan import BUDGETS, find_data, source_report
from sparring.runs import AdaptationJob, GenerationJob
from sparring.runs.sampler import POOL


def parquet_folder(path: Path) -> None:
    path.mkdir()
    for split in ("train", "test"):
        (path / f"{split}.parquet").write_bytes(b"PAR1")


def test_the_report_has_every_system_scenario_and_direction() -> None:
    jobs = source_report(find_data(None), "quick", 2, ())
    assert len({job.name for job in jobs}) == len(jobs) == 2 * (1 + 3 + 6 + 6)
    adaptation = [job for job in jobs if isinstance(job, AdaptationJob)]
    directions = Counter((job.source, job.target) for job in adaptation)
    assert directions == {
        ("photo-digits", "street-digits"): 12,
        ("street-digits", "photo-digits"): 12,
    }
    generation = [job for job in jobs if isinstance(job, GenerationJob) and job.seed == 0]
    assert [job.attributes for job in generation] == ["", "Smiling", "Smiling,Male", "all"]


def test_only_limits_the_systems() -> None:
    names = [job.name for job in source_report(find_data(None), "smoke", 1, ("dann",))]
    assert len(names) == 6
    assert all(name.startswith("dann-") for name in names)


def test_without_data_everything_is_a_stand_in() -> None:
    found = find_data(None)
    assert [entry.used for entry in found.values()] == [
        "toy-faces",
        "photo-digits",
        "street-digits",
    ]
    assert {entry.kind for entry in found.values()} == {"stand-in"}


def test_meter_digits_serve_where_svhn_is_absent_under_their_own_name(tmp_path: Path) -> None:
    parquet_folder(tmp_path / "mnist_m")
    parquet_folder(tmp_path / "meter_digits")
    found = find_data(tmp_path)
    assert (found["mnist-m"].used, found["svhn"].used) == ("mnist-m", "meter-digits")
    assert "svhn is not under" in found["svhn"].why
    assert found["celeba"].kind == "stand-in"
    parquet_folder(tmp_path / "svhn")
    assert find_data(tmp_path)["svhn"].used == "svhn"


def test_a_real_domain_is_not_paired_with_a_stand_in(tmp_path: Path) -> None:
    parquet_folder(tmp_path / "mnist_m")
    found = find_data(tmp_path)
    assert (found["mnist-m"].used, found["svhn"].used) == ("photo-digits", "street-digits")
    assert "other digit domain is not" in found["mnist-m"].why


def test_full_trains_as_long_as_the_source_report() -> None:
    assert BUDGETS["full"].generation_steps * 128 == 1000 * 40_000
    assert BUDGETS["full"].seeds == 5


def test_every_generator_is_judged_alike() -> None:
    jobs = source_report(find_data(None), "quick", 1, ("gan", "acgan"), "inception")
    orders = {
        (job.extractor, job.judge_steps, job.judged)
        for job in jobs
        if isinstance(job, GenerationJob)
    }
    assert orders == {("inception", BUDGETS["quick"].judge_steps, BUDGETS["quick"].judged)}
    # A brush can draw as many as any budget asks for.
    assert max(budget.judged for budget in BUDGETS.values()) <= POOL
