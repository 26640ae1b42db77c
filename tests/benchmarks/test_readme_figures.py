"""The README's figures, drawn from tiny runs."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from benchmarks.readme_figures import FIGURES, write
from PIL import Image

from sparring.errors import RequestError
from sparring.game import Shape
from sparring.methods import ACGAN
from sparring.model import Generator, load
from sparring.model_folder import save
from sparring.runs.common import build
from sparring.runs.folder import Run
from tests.report.maker import Maker

LABELS = ("Smiling", "Male")
DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A generator's run with its records, and a model that has learned nothing."""
    run = Maker(tmp_path_factory.mktemp("trained")).generator("acgan", LABELS, size=64)
    shape = Shape(64, LABELS, "attributes")
    method = build(ACGAN(width=4), shape, seed=0).eval()
    save(run.path / "model", method, shape, preset="own", data=run.config.data, card="")
    return run


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_faces_and_smiles_are_the_first_that_the_model_draws(trained: Run, tmp_path: Path) -> None:
    for name in ("faces", "smile"):
        write(name, trained.path, tmp_path)
    model = load(trained.path)
    assert isinstance(model, Generator)
    grid, first = pixels(tmp_path / "faces.png"), model.sample(36)
    assert grid.shape == (384, 384, 3)
    assert np.array_equal(grid[:64, 64:128], first[1])
    assert np.array_equal(grid[-64:, -64:], first[35])
    rows, smiles = pixels(tmp_path / "smile.png"), model.pairs(6, "Smiling", steps=7)
    assert rows.shape == (384, 448, 3)
    assert np.array_equal(rows[64:128, -64:], smiles[1, 6])


def test_the_figures_of_the_report_are_drawn_as_there(trained: Run, tmp_path: Path) -> None:
    write("dcgan", trained.path, tmp_path)
    samples = trained.arrays("pictures")["samples"]
    drawn = pixels(tmp_path / "dcgan.png")
    wanted = samples[0].transpose(1, 2, 0).repeat(4, 0).repeat(4, 1)
    assert any(np.array_equal(drawn[y : y + 128, 6:134], wanted) for y in range(40, 80))
    write("tsne", Maker(tmp_path / "out").classifier("dann").path, tmp_path)
    assert pixels(tmp_path / "tsne.png").shape[1] == 1110


def test_what_a_picture_is_of_is_told_and_kept_in_it(trained: Run, tmp_path: Path) -> None:
    told = write("faces", trained.path, tmp_path)
    assert told == (
        f"faces.png: {trained.name}: 600 steps of 128 on 4,000 images of faces, seed 0; 67 s on 2 "
        "threads of Example CPU <8 cores> (cpu); sparring 0.2.0, commit abc1234"
    )
    with Image.open(tmp_path / "faces.png") as image:
        assert f"faces.png: {image.info['Description']}" == told


def test_the_terminal_shows_what_was_printed(trained: Run, tmp_path: Path) -> None:
    printed = tmp_path / "printed.txt"
    printed.write_text("$ sparring adapt one two\n\x1b[32madaptation helped\x1b[0m: kept\n")
    write("terminal", printed, tmp_path)
    write("live", trained.path, tmp_path)
    for name, words in (("terminal", "adaptation helped"), ("live", "discriminator")):
        text = (tmp_path / f"{name}.svg").read_text().replace("&#160;", " ")
        ET.fromstring(text)
        assert words in text
        assert "url(http" not in text
        assert "cdnjs" not in text
    assert "▀" in (tmp_path / "live.svg").read_text()


def test_the_live_view_is_of_a_moment_of_the_run(trained: Run, tmp_path: Path) -> None:
    write("live", trained.path, tmp_path)
    text = (tmp_path / "live.svg").read_text().replace("&#160;", " ")
    assert "400 of 600" in text  # the last but one of its moments
    assert "0:00:20 left" in text  # 200 steps of 128, at 51,200 images in 39 seconds


def test_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="unknown figure 'face': did you mean 'faces'"):
        write("face", tmp_path, tmp_path)


PAGES = [DOCS.parent / "README.md", *DOCS.rglob("*.md")]
PICTURES = {path.name for kind in ("*.png", "*.svg") for path in DOCS.glob(kind)}


def test_every_figure_of_the_pages_is_made_by_a_script_and_shown() -> None:
    made = {file for file, _ in FIGURES.values()} | {"terminal.svg", "performance-size.png"}
    assert made >= PICTURES
    shown = {
        Path(place).name
        for page in PAGES
        for place in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text())
    }
    assert shown == PICTURES


def test_a_page_tells_the_length_of_the_run_whose_picture_it_shows() -> None:
    told = 0
    for name in sorted(name for name in PICTURES if name.endswith(".png")):
        with Image.open(DOCS / name) as image:
            length = re.search(r": ([\d,]+ steps of \d+) on", image.info.get("Description", ""))
        for page in PAGES:
            if length and re.search(rf"\]\((docs/)?{re.escape(name)}\)", page.read_text()):
                assert length[1] in " ".join(page.read_text().split()), (page, name)
                told += 1
    assert told >= 6
