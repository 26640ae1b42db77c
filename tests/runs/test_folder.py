from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec import structs

from sparring.checkpoints import Checkpoints
from sparring.errors import RequestError
from sparring.runs.folder import Run, difference, run_name
from sparring.runs.records import Config, Data, Length
from sparring.runs.scores import GeneratorScores


def data(name: str, fingerprint: str) -> Data:
    return Data(
        name=name, kind="real", train=9, test=9, labelled=True, fingerprint=f"sha256:{fingerprint}"
    )


CONFIG = Config(
    method="x",
    preset="report2019",
    scenario="adapted",
    seed=1,
    settings={"betas": (0.5, 0.9)},
    training=Length(steps=20, batch_size=4, precision="float32"),
    data={"source": data("a/digits", "ab12"), "target": data("b/digits", "cd34")},
    size=32,
    label_kind="classes",
    label_names=("0", "1"),
)


def test_a_run_goes_on_only_with_the_same_configuration(tmp_path: Path) -> None:
    folder = Run(tmp_path / "a/run")
    folder.open(CONFIG)
    before = (folder.path / "config.json").read_bytes()
    folder.open(CONFIG)
    mended = {**CONFIG.data, "source": data("a/digits", "ff00")}
    for other, words in (
        (structs.replace(CONFIG, seed=2), "its seed was 1, now it is 2"),
        (
            structs.replace(CONFIG, settings={"betas": (0.4, 0.9)}),
            r"its settings betas was \[0.5, 0.9\], now it is \[0.4, 0.9\]",
        ),
        (
            structs.replace(CONFIG, data=mended),
            r"its source was a/digits \(sha256:ab12…\), now it is a/digits \(sha256:ff00…\)",
        ),
    ):
        with pytest.raises(RequestError, match=f"holds another run: {words}; name another --out"):
            folder.open(other)
    assert (folder.path / "config.json").read_bytes() == before


def of_steps(steps: int) -> Config:
    return structs.replace(CONFIG, training=structs.replace(CONFIG.training, steps=steps))


def test_more_steps_of_a_finished_run_go_on_and_fewer_are_refused(tmp_path: Path) -> None:
    folder = Run(tmp_path / "run")
    folder.open(CONFIG)
    folder.write(GeneratorScores(metrics={}))
    assert not folder.resized(CONFIG)
    with pytest.raises(RequestError, match=r"20 steps, .* have 30: its last state was not kept"):
        folder.resized(of_steps(30))
    Checkpoints(folder.path / "checkpoints").save({}, 0, 20)
    assert folder.resized(of_steps(30))
    with pytest.raises(RequestError, match="depends on the length of its training"):
        folder.resized(of_steps(30), scheduled=True)
    with pytest.raises(RequestError, match="of 20 steps, which cannot have 10: it has done 20"):
        folder.open(of_steps(10))
    assert folder.finished
    folder.open(of_steps(30))
    assert not folder.finished
    assert difference(folder.read(Config), of_steps(30)) is None


def test_a_stopped_run_may_end_sooner_but_not_where_it_is_already(tmp_path: Path) -> None:
    folder = Run(tmp_path / "run")
    folder.open(CONFIG)
    folder.open(of_steps(15))
    Checkpoints(folder.path / "checkpoints").save({}, 0, 12)
    with pytest.raises(RequestError, match="of 15 steps, which cannot have 12: it has done 12"):
        folder.open(of_steps(12))
    assert folder.read(Config).training.steps == 15
    folder.open(of_steps(13))
    assert folder.read(Config).training.steps == 13


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(RequestError, match="holds something else"):
        Run(tmp_path).open(CONFIG)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_records_come_back_as_they_were_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    folder = Run(tmp_path)
    folder.write(CONFIG)
    assert folder.config == msgspec.json.decode(msgspec.json.encode(CONFIG), type=Config)
    folder.write(GeneratorScores(metrics={"frechet": 1.5}))
    assert folder.scores == GeneratorScores(metrics={"frechet": 1.5})
    for text in ('{"metrics": {', '{"kind": "generator", "metrics": {"frechet": "<b>"}}', "[]"):
        (tmp_path / "scores.json").write_text(text)
        with pytest.raises(RequestError, match=r"scores\.json.*remove the run folder"):
            Run(tmp_path).scores  # noqa: B018
    folder.write_arrays("pictures", {"samples": np.arange(6).reshape(2, 3).T})
    assert np.array_equal(folder.arrays("pictures")["samples"], [[0, 3], [1, 4], [2, 5]])
    path = tmp_path / "pictures.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(RequestError, match=r"pictures\.safetensors"):
        folder.arrays("pictures")


def test_the_log_skips_a_torn_line_and_tells_a_damaged_one(tmp_path: Path) -> None:
    folder = Run(tmp_path)
    assert folder.rows() == []
    row = '{"step": 1, "images": 4, "seconds": 0.5, "losses": {"d": null}}\n'
    (tmp_path / "log.jsonl").write_text(row + '{"step": 2, "los')
    assert [(r.step, r.losses) for r in folder.rows()] == [(1, {"d": None})]
    (tmp_path / "log.jsonl").write_text(row + '{"step": "2"}\n')
    with pytest.raises(RequestError, match=r"log\.jsonl"):
        folder.rows()


def test_any_name_makes_one_folder_of_its_own() -> None:
    assert run_name("dann", "my set", "adapted", 0) == "dann-my set-adapted-0"
    odd = ["a/../../b", "a_.._.._b", "a\n", "a_", "é" * 300, "é" * 301, "x" * 300, "a\\"]
    names = [run_name("acgan", name, 0) for name in odd]
    assert len(set(names)) == len(odd)
    for name in names:
        assert "/" not in name
        assert name.isprintable()
        assert len(name.encode()) < 240


@pytest.mark.parametrize("keep", [False, True])
def test_what_only_an_unfinished_run_needs_goes(tmp_path: Path, keep: bool) -> None:
    for name in ("candidates", "checkpoints", "snapshots", "model"):
        (tmp_path / name).mkdir()
    Run(tmp_path).tidy(keep)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == ({"checkpoints", "snapshots", "model"} if keep else {"model"})
