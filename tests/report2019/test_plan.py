from collections import Counter
from pathlib import Path

from sparring.report2019.plan import BUDGETS, SYSTEMS, find_data, source_report
from sparring.runs import ClassifierRun, GeneratorRun
from sparring.runs.sampler import POOL


def parquet_folder(path: Path) -> None:
    path.mkdir()
    for split in ("train", "test"):
        (path / f"{split}.parquet").write_bytes(b"PAR1")


def test_the_report_has_every_system_scenario_and_direction() -> None:
    runs = source_report(find_data(None), "quick", 2, SYSTEMS["report2019"])
    assert len({run.name for run in runs}) == len(runs) == 2 * (1 + 3 + 6 + 6)
    adaptation = [run for run in runs if isinstance(run, ClassifierRun)]
    directions = Counter((run.source, run.target) for run in adaptation)
    assert directions == {
        ("photo-digits", "street-digits"): 12,
        ("street-digits", "photo-digits"): 12,
    }
    generation = [run for run in runs if isinstance(run, GeneratorRun) and run.seed == 0]
    assert [run.labels for run in generation] == ["", "Smiling", "Smiling,Male", "Smiling,all"]


def test_modern_systems_stand_beside_those_of_2019() -> None:
    modern = source_report(find_data(None), "quick", 1, SYSTEMS["modern"])
    assert [run.name for run in modern] == [
        "projection-gan-toy-faces-Smiling-0",
        *(
            f"mean-teacher-{pair}-{scenario}-0"
            for pair in ("photo-digits-street-digits", "street-digits-photo-digits")
            for scenario in ("source-only", "adapted", "target-only")
        ),
    ]
    lengths = {(type(run), run.training.steps, run.training.batch_size) for run in modern}
    assert lengths == {(GeneratorRun, 1400, 32), (ClassifierRun, 600, 64)}
    assert set(SYSTEMS["all"]) == {*SYSTEMS["report2019"], *SYSTEMS["modern"]}


def test_while_one_run_learns_the_evaluators_another_waits_for_none() -> None:
    everything = source_report(find_data(None), "quick", 2, SYSTEMS["all"])
    kinds = [type(run) for run in everything]
    assert kinds[:4] == [GeneratorRun, ClassifierRun] * 2
    assert [run.seed for run in everything] == sorted(run.seed for run in everything)
    assert len(everything) == 2 * 23


def test_only_limits_the_systems() -> None:
    names = [run.name for run in source_report(find_data(None), "smoke", 1, ("dann",))]
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
    runs = source_report(find_data(None), "quick", 1, ("gan", "acgan"), "inception")
    orders = {
        (run.extractor, run.judge_steps, run.judged)
        for run in runs
        if isinstance(run, GeneratorRun)
    }
    assert orders == {("inception", BUDGETS["quick"].judge_steps, BUDGETS["quick"].judged)}
    # A sampler can draw as many as any budget asks for.
    assert max(budget.judged for budget in BUDGETS.values()) <= POOL
