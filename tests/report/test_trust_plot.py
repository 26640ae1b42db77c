import numpy as np

from sparring.report.trust_plot import trust
from tests.report.judged import trust as judged


def test_both_curves_of_each_classifier_are_drawn() -> None:
    curves = {"source only": judged(0.5), "adapted": judged(0.6)}
    curves["adapted"]["reliability"] = [{"confidence": 0.7, "accuracy": 0.6, "count": 9}]
    left, right = trust(curves, "t").axes
    diagonal, first, second = left.lines
    np.testing.assert_array_equal(diagonal.get_xydata(), [[0, 0], [1, 1]])
    np.testing.assert_array_equal(first.get_xydata(), [[0.45, 0.25], [0.95, 0.8]])
    np.testing.assert_array_equal(second.get_xydata(), [[0.7, 0.6]])
    assert [line.get_label() for line in right.lines] == ["source only", "adapted"]
    np.testing.assert_array_equal(right.lines[0].get_xydata(), [[0.5, 0.2], [1.0, 0.5]])
    # A hundred images beside three hundred.
    small, large = left.collections[0].get_sizes()
    assert large == 3 * small
