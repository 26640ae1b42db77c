"""A model card and the terminal's last line: no Fréchet distance without its n."""

from pathlib import Path

from sparring.runs import card
from sparring.runs.schedule import outcome
from sparring.runs.scores import GeneratorScores
from tests.report.maker import Maker


def test_a_frechet_distance_names_its_features_and_its_n(tmp_path: Path) -> None:
    run = Maker(tmp_path).generator("dcgan")
    assert isinstance(run.scores, GeneratorScores)
    told = "Fréchet distance (convnet), n = 500: 42"
    assert outcome(run.scores) == f"diversity 0.93, {told}"
    words = card.text(run.config, run.scores)
    assert f"\n- diversity: 0.93\n- {told}\n- kid: 0.01\n" in words
    assert "memorised" not in words
