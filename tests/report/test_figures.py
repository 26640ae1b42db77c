"""What the figures of a group are given; how they are drawn is tested in test_plots.py."""

from collections.abc import Iterator

from matplotlib.figure import Figure

from sparring.report.figures import adaptation, generation
from sparring.report.groups import Adaptation, Generation
from sparring.report.plots import Curves, Part
from tests.report.maker import Maker, happened


def drawn(parts: Iterator[Part]) -> dict[str, Figure]:
    return {what: draw("t") for what, _, draw in parts}


def test_every_figure_of_curves_marks_what_happened(maker: Maker) -> None:
    one, other = maker.generator("dcgan"), maker.classifier("dann")
    for run in (one, other):
        happened(run)
    of_generator = drawn(generation.training(Generation((one,))))
    of_classifier = drawn(adaptation.losses(Adaptation((other,))))
    assert list(of_generator) == ["losses", "health"]
    assert list(of_classifier) == ["losses"]
    for figure in (*of_generator.values(), *of_classifier.values()):
        assert isinstance(figure, Curves)
        assert list(figure.events) == [(300, "alarm")]
        assert " alarm" in [text.get_text() for text in figure.axes[0].texts]


def test_what_a_method_draws_has_its_names_and_its_domains(maker: Maker) -> None:
    group = Adaptation((maker.classifier("dsn"),))
    (figure,) = drawn(adaptation.drawn(group)).values()
    title, *rest = [text.get_text() for text in figure.texts]
    assert title == "t"
    # Rows from above, then columns: the middle of the source's five, and of the target's.
    assert rest == ["image", "rebuilt", "", "", "here", "", "", "", "", "there", "", ""]
