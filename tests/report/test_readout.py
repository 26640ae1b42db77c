import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sparring.report import plots
from sparring.report.plots import Panel
from sparring.report.readout import MOST, readout


def drawn(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].astype(int)


def test_a_step_lies_where_the_picture_has_it() -> None:
    step = np.arange(10, 401, 10)
    spike = np.where(step == 130, 1.0, 0.0)
    figure = plots.curves(
        step, [Panel("a", {"a": spike}), Panel("b", {"b": spike}, share=True)], "t", 64
    )
    image = drawn(figure)
    found = readout(figure)
    assert found is not None
    at = found["x"][found["step"].index(130)] * image.shape[1]
    # The first colour's highest pixels are the spike's.
    red, _, blue = image.transpose(2, 0, 1)
    rows, columns = np.nonzero(blue - red > 60)
    assert columns[rows == rows.min()].mean() == pytest.approx(at, abs=2)
    assert (
        found["top"] * image.shape[0] < rows.min() < rows.max() < found["bottom"] * image.shape[0]
    )
    assert found["bottom"] - found["top"] > 0.6


def test_values_are_those_of_the_log_as_last_logged() -> None:
    step = np.arange(5) * 100
    gradient = np.array([np.nan, 2.0, np.nan, 3.14159, np.nan])
    figure = plots.curves(
        step,
        [
            Panel("loss", {"generator": np.array([1.0, 2, 3, 4, 123456])}),
            Panel(
                "share right\n(dotted: chance)", {"domain_accuracy": np.full(5, 0.5)}, share=True
            ),
            Panel("gradient", {"generator": gradient, "critic": gradient}),
            Panel("diversity", {"diversity": gradient}),
        ],
        "t",
        events=[(200, "alarm"), (250, "rollback"), (300, "alarm"), (999, "gave up")],
    )
    drawn(figure)
    found = readout(figure)
    assert found is not None
    assert found["step"] == [0, 100, 200, 300, 400]
    assert found["events"] == {"2": "alarm", "3": "rollback, alarm", "4": "gave up"}
    lines = {line["name"]: line["values"] for line in found["lines"]}
    assert lines == {
        "loss, generator": [1, 2, 3, 4, 123500],
        "share right, domain accuracy": [0.5] * 5,
        "gradient, generator": [None, 2, 2, 3.142, 3.142],
        "gradient, critic": [None, 2, 2, 3.142, 3.142],
        "diversity": [None, 2, 2, 3.142, 3.142],
    }
    colours = [line["colour"] for line in found["lines"]]
    assert colours[0] == colours[2] == plots.GENERATOR != colours[3]


def test_long_trainings_have_few_steps_to_point_at_and_every_event() -> None:
    step = np.arange(1, 2001)
    values = {"a": np.sin(step)}
    figure = plots.curves(step, [Panel("loss", values)], "t", events=[(1234, "rollback")])
    drawn(figure)
    found = readout(figure)
    assert found is not None
    assert MOST <= len(found["step"]) <= MOST + 1
    assert (found["step"][0], found["step"][-1]) == (1, 2000)
    (line,) = found["lines"]
    place = found["step"].index(1234)
    assert found["events"] == {str(place): "rollback"}
    assert line["name"] == "a"
    assert line["values"][place] == pytest.approx(np.sin(1234), abs=1e-4)


def test_one_row_and_figures_of_something_else() -> None:
    figure = plots.curves(np.array([5]), [Panel("loss", {"a": np.array([1.0])})], "t")
    drawn(figure)
    found = readout(figure)
    assert found is not None
    assert found["step"] == [5]
    assert readout(Figure()) is None
