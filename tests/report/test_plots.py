from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from sparring.metrics.statistics import summarise
from sparring.report import live, plots, score_plots
from sparring.report.plots import Panel
from tests.report.maker import trust


def pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3]


def test_a_grid_shows_every_pixel_of_every_image() -> None:
    tiles = np.random.default_rng(0).integers(0, 256, (2, 4, 3, 64, 64), dtype=np.uint8)
    drawn = pixels(plots.image_grid(tiles, "", group=2))
    for row, y in enumerate((46, 46 + 134)):
        for column, x in enumerate((6, 140, 298, 432)):
            image = drawn[y : y + 128 : 2, x : x + 128 : 2]
            np.testing.assert_array_equal(image, tiles[row, column].transpose(1, 2, 0))


@pytest.mark.parametrize("names", [("discriminator", "generator"), ("generator", "critic")])
def test_a_generator_is_red_and_its_opponent_blue(names: tuple[str, str]) -> None:
    step = np.arange(50)
    lines = {name: np.full(50, 2.0 if name == "generator" else 1.0) for name in names}
    axes = plots.curves(step, [Panel("loss", lines)], "losses", 128).axes[0]
    for line in axes.lines:
        red, _, blue = to_rgb(line.get_color())
        assert (red > blue) == (line.get_ydata()[0] == 2.0)
    assert axes.get_yscale() == "linear"


def test_no_two_of_many_lines_look_alike() -> None:
    lines = {str(run): np.arange(50.0) for run in range(1, 21)}
    axes = plots.curves(np.arange(50), [Panel("loss", lines)], "twenty runs").axes[0]
    looks = [(line.get_color(), line.get_linestyle()) for line in axes.get_legend().get_lines()]
    assert len(set(looks)) == 20
    assert {dash for _, dash in looks[:7]} == {"-"}


def test_parts_of_very_different_size_get_a_log_axis() -> None:
    lines = {"task": np.full(20, 2.0), "reconstruction": np.full(20, 0.001)}
    assert plots.curves(np.arange(20), [Panel("loss", lines)], "").axes[0].get_yscale() == "log"


def test_curves_may_hold_nan_and_nothing_else() -> None:
    panel = Panel("loss", {"network": np.full(5, np.nan)})
    figure = plots.curves(np.arange(5), [panel], "lost")
    assert pixels(figure).std() > 0


def test_ten_classes_have_ten_colours_that_differ() -> None:
    colours = np.array([to_rgb(colour) for colour in plots.CLASSES])
    assert len(colours) == 10
    assert min(np.abs(a - b).max() for a, b in combinations(colours, 2)) > 0.1


# What is left of linear RGB without one kind of cone (Machado et al. 2009, severity 1).
SEEN = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [
        *([0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216]),
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        *([0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413]),
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue": [
        *([1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602]),
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(colours: list[str], seen: str) -> np.ndarray:
    """CIE L*a*b* under D65, in which equal steps look about equally large."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = (linear @ np.array(SEEN[seen]).T).clip(0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(to_xyz).T / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = f.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def test_black_and_white_are_as_far_apart_as_can_be() -> None:
    for seen in SEEN:
        np.testing.assert_allclose(
            lab(["black", "white"], seen), [[0, 0, 0], [100, 0, 0]], atol=0.1
        )


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize(
    "colours",
    [
        (*plots.CLASSES, plots.PALE),
        (*plots.DOMAINS, plots.PALE),
        (*live.RIGHT_WRONG, plots.PALE),
        tuple(live.SURE.values()),
        plots.OKABE_ITO,
        (plots.GENERATOR, plots.OPPONENT, *plots.OKABE_ITO[2:]),
        score_plots.SCENARIOS,
    ],
    ids=["classes", "domains", "right", "sure", "lines", "beside a generator", "scenarios"],
)
def test_the_colour_blind_tell_colours_apart(colours: tuple[str, ...], seen: str) -> None:
    # The usual ten of matplotlib come to 4.6 without red cones; 2.3 is just seen side by side.
    found = lab(list(colours), seen)
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(found, 2)) > 10


@pytest.mark.parametrize("domain", [0, 1])
def test_an_embedding_shows_each_point_in_its_colours(domain: int) -> None:
    points = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0]])
    label = np.array([0, 4, 9])
    names = [str(i) for i in range(10)]
    figure = plots.embedding(
        {"points": points, "label": label, "domain": np.full(3, domain)}, names, ("a", "b"), "t"
    )
    left, right = (axes.collections[0] for axes in figure.axes)
    for at, colour in zip(left.get_offsets(), left.get_facecolors(), strict=True):
        (index,) = np.flatnonzero((points == at).all(1))
        np.testing.assert_allclose(colour[:3], to_rgb(plots.CLASSES[label[index]]))
    np.testing.assert_allclose(right.get_facecolors()[0][:3], to_rgb(plots.DOMAINS[domain]))


def test_classes_beyond_the_colours_have_another_marker() -> None:
    points, names = np.zeros((3, 2)), [str(k) for k in range(21)]
    label = np.array([0, 10, 20])
    figure = plots.embedding(
        {"points": points, "label": label, "domain": np.zeros(3, int)}, names, ("a", "b"), ""
    )
    drawn = [c for c in figure.axes[0].collections if len(c.get_offsets())]
    outlines = {c.get_paths()[0].vertices.tobytes() for c in drawn}
    assert len(drawn) == len(outlines) == 3
    # So have their keys: the three look alike but for it.
    keys = [c for c in figure.axes[0].collections if c.get_label() in ("0", "10", "20")]
    assert {c.get_paths()[0].vertices.tobytes() for c in keys} == outlines
    assert len({c.get_facecolor().tobytes() for c in keys}) == 1


def test_points_of_unknown_class_are_drawn_pale() -> None:
    points = np.arange(4.0).reshape(2, 2)
    figure = plots.embedding(
        {"points": points, "label": np.array([-1, 0]), "domain": np.array([1, 0])},
        ["x"],
        ("a", "b"),
        "",
    )
    pale = figure.axes[0].collections[0]
    np.testing.assert_array_equal(pale.get_offsets(), points[:1])
    assert "class unknown" in [t.get_text() for t in figure.axes[0].get_legend().get_texts()]


def test_bars_have_the_heights_and_marks_given() -> None:
    scores = {"source only": [0.4], "adapted": [0.4, 0.6], "target only": []}
    panel = score_plots.Bars(
        "a",
        {"DANN": {name: summarise(values) for name, values in scores.items()}},
        {"DANN": {"source only": 0.4227, "adapted": 0.4795}},
        "theirs",
    )
    axes = score_plots.bars([panel]).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [40.0, 50.0, 0.0]
    diamonds = [c.get_offsets() for c in axes.collections if isinstance(c, PathCollection)]
    assert [at[0][1] for at in diamonds if len(at)] == pytest.approx([42.27, 47.95])
    assert [text.get_text() for text in axes.texts] == ["40.0", "50.0", "not\nrun"]
    assert "theirs" in [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_number_of_a_low_bar_can_be_read() -> None:
    scores = {"source only": [0.02], "adapted": [0.03], "target only": [0.9]}
    bars = {"DANN": {name: summarise(values) for name, values in scores.items()}}
    axes = score_plots.bars([score_plots.Bars("a", bars, {})]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["2.0", "3.0", "90.0"]
    assert [text.get_color() for text in axes.texts] == ["black", "black", "white"]
    assert [text.get_position()[1] for text in axes.texts] == [3, 4, 2]  # above it, or inside


def test_the_names_below_bars_do_not_touch() -> None:
    names = ("DANN, report2019", "DSN, report2019", "Mean teacher, modern")
    bars = {name: {"source only": summarise([0.5])} for name in names}
    figure = score_plots.bars([score_plots.Bars(way, bars, {}) for way in ("there", "back")])
    figure.canvas.draw()
    for axes in figure.axes:
        boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
        assert axes.get_legend().get_window_extent().y1 < min(box.y0 for box in boxes)


def test_trust_shows_bins_and_the_risk_curve() -> None:
    left, right = score_plots.trust({"adapted": trust()}, "").axes
    np.testing.assert_array_equal(left.lines[1].get_xydata(), [[0.45, 0.25], [0.95, 0.8]])
    np.testing.assert_array_equal(right.lines[0].get_xydata(), [[0.5, 0.2], [1.0, 0.5]])


def test_health_draws_between_pulses_and_marks_events() -> None:
    diversity = np.full(40, np.nan)
    diversity[9::10] = [0.8, 0.6, 0.4, 0.2]
    panels = [
        Panel("share right", {"real": np.ones(40)}, share=True),
        Panel("diversity", {"diversity": diversity}, share=True),
    ]
    figure = plots.curves(np.arange(1, 41), panels, "", events=[(30, "alarm")])
    shares, varied = figure.axes
    np.testing.assert_array_equal(varied.lines[0].get_ydata(), [0.8, 0.6, 0.4, 0.2])
    np.testing.assert_array_equal(varied.lines[0].get_xdata(), [10, 20, 30, 40])
    assert shares.get_ylim()[0] == varied.get_ylim()[0] == -0.02
    assert min(shares.get_ylim()[1], varied.get_ylim()[1]) >= 1.02
    assert [text.get_text() for text in shares.texts] == [" alarm"]
    for axes in (shares, varied):
        np.testing.assert_array_equal(axes.lines[-1].get_xdata(), [30, 30])


def test_change_maps_show_both_means_and_the_difference() -> None:
    means = np.random.default_rng(0).integers(0, 256, (2, 2, 3, 8, 8), dtype=np.uint8)
    heat = np.arange(128.0).reshape(2, 8, 8)
    figure = plots.change_maps(heat, means, ["a", "b"], "")
    shown = [axes.images[0].get_array() for axes in figure.axes[:6]]
    np.testing.assert_array_equal(shown[0], means[0, 0].transpose(1, 2, 0))
    np.testing.assert_array_equal(shown[4], means[1, 1].transpose(1, 2, 0))
    np.testing.assert_array_equal(shown[5], heat[1])
    assert figure.axes[5].images[0].get_clim() == (0, 127)
    assert figure.axes[3].get_title() == "not b, mean"


def test_words_stand_below_their_images_and_hide_none() -> None:
    tiles = np.full((2, 2, 3, 64, 64), 77, np.uint8)
    figure = plots.image_grid(tiles, "", ("fixed", "broken"), below=[["5 → 3"], ["1 → 2", "4 → 0"]])
    drawn = pixels(figure)
    assert [text.get_text() for text in figure.texts[3:]] == ["5 → 3", "1 → 2", "4 → 0"]
    for y in (46, 46 + 128 + 30):
        assert (drawn[y : y + 128, 110:238] == 77).all()
    assert drawn[46 + 128 + 4 : 46 + 128 + 28, 110:238].min() < 100
    assert drawn[46 + 128 + 4 : 46 + 128 + 28, 244:372].min() == 255


def test_a_long_title_stands_in_lines_above_the_images() -> None:
    tiles = np.full((1, 8, 3, 64, 64), 77, np.uint8)
    figure = plots.image_grid(tiles, "many words " * 12)
    assert figure.texts[0].get_text().count("\n") == 1
    box = figure.texts[0].get_window_extent()
    assert box.x1 < figure.bbox.width
    assert (pixels(figure)[66 : 66 + 128, 6:134] == 77).all()
    assert figure.bbox.height - box.y0 < 66
