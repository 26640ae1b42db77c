from dataclasses import asdict

import pytest

from sparring.errors import RequestError
from sparring.report2019.claims.experiments import SCALES, Experiment, experiments, unique
from sparring.report2019.claims.trials import TRIALS
from sparring.report2019.plan import find_data
from sparring.runs import ClassifierRun, GeneratorRun


def all_ten(seeds: int = 2) -> dict[str, Experiment]:
    return experiments([], find_data(None), SCALES["small"], seeds)


def test_every_claim_of_the_report_has_an_experiment_and_a_trial() -> None:
    assert list(all_ten()) == list(TRIALS)
    assert list(experiments(["C7", "C1"], find_data(None), SCALES["small"], 1)) == ["C1", "C7"]
    with pytest.raises(RequestError, match="unknown claim 'C11'"):
        experiments(["C11"], find_data(None), SCALES["small"], 1)


def test_arms_have_one_run_a_seed_and_no_two_runs_share_a_folder() -> None:
    tests = all_ten(3)
    for claim, test in tests.items():
        for name, arm in test.items():
            seeds = [0, 0] if name == "again" else [0, 1, 2]
            assert [job.seed for job in arm] == seeds, (claim, name)
    jobs = unique(tests)
    by_name = {job.name: asdict(job) | {"method": repr(job.method)} for job in jobs}
    assert len(by_name) == len(jobs)
    for arm in (arm for test in tests.values() for arm in test.values()):
        for job in arm:  # what shares a folder is the same run
            assert by_name[job.name] == asdict(job) | {"method": repr(job.method)}


def test_the_first_seeds_are_played_first() -> None:
    seeds = [job.seed for job in unique(all_ten(3))]
    assert seeds == sorted(seeds)


def test_arms_differ_in_what_the_claim_is_about_alone() -> None:
    tests = all_ten(1)

    def settings(claim: str, key: str) -> dict[str, object]:
        return {name: getattr(arm[0].method, key) for name, arm in tests[claim].items()}

    assert settings("C1", "spectral_norm") == {"with": True, "without": False}
    assert settings("C3", "discriminator_width") == {"half": 16, "equal": None, "double": 64}
    assert settings("C9", "decoder_width") == {"x1": 16, "x0.5": 8, "x2": 32, "x4": 64}
    assert settings("C10", "encoder") == {"resnet18": "resnet18", "small": "small"}
    norms = settings("C2", "discriminator_batch_norm")
    biases = settings("C2", "discriminator_bias")
    assert {name: (norms[name], biases[name]) for name in norms} == {
        "bias, no batch norm": (False, True),
        "no bias, no batch norm": (False, False),
        "bias, batch norm": (True, True),
        "no bias, batch norm": (True, False),
    }
    dsn = {name: arm[0].method for name, arm in tests["C8"].items()}
    assert (dsn["without reconstruction"].alpha, dsn["without reconstruction"].beta) == (0, 0.075)
    assert (dsn["without difference"].alpha, dsn["without difference"].beta) == (0.15, 0)


def test_the_scale_reaches_every_run() -> None:
    scale = SCALES["small"]
    for job in unique(all_ten(1)):
        if isinstance(job, GeneratorRun):
            assert (job.size, job.training.steps) == (scale.size, scale.generation_steps)
            assert getattr(job.method, "width", None) == scale.width
        else:
            assert isinstance(job, ClassifierRun)
            assert job.training.steps == scale.adaptation_steps


def test_directions_go_there_and_back_in_every_scenario() -> None:
    arms = all_ten(1)["C7"]
    found = {
        name: (arm[0].source, arm[0].target, arm[0].scenario)
        for name, arm in arms.items()
        if isinstance(arm[0], ClassifierRun)
    }
    assert found["there, adapted"] == ("photo-digits", "street-digits", "adapted")
    assert found["back, source-only"] == ("street-digits", "photo-digits", "source-only")
    assert len(found) == 6
