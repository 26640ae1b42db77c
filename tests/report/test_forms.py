from copy import deepcopy
from typing import Any

import pytest

from sparring.report import forms
from sparring.report.checked import Unfit, check
from tests.report.judged import selection, trust


def test_a_confusion_matrix_is_square() -> None:
    forms.check_together({})
    forms.check_together({"confusion": [[1, 2], [3, 4]]})
    with pytest.raises(Unfit, match="not square"):
        forms.check_together({"confusion": [[1, 2], [3]]})


SHARE = {"value": 0.5, "low": 0.4, "high": 0.6}
SKILL = {
    "n": 5,
    "accuracy": {"Smiling": 0.9},
    "always": {"Smiling": 0.5},
    "mean_accuracy": 0.9,
    "mean_balanced": None,
}
FLIP = {
    "pairs": 3,
    "flip": dict.fromkeys(("flipped", "backwards", "always", "never"), SHARE),
    "change": {"levels": 3.5, "relative": 0.1, "half_area": None},
    "leakage": {"Male": {"changed": SHARE, "drift": 0.1, "real_gap": None}},
}
SCORES: dict[str, Any] = {
    "seconds": 1.5,
    "images_per_second": 3,
    "metrics": {"kid": 0.5, "frechet": None},
    "extractor": {"name": "own", "frechet": "distance"} | SKILL,
    "judge": deepcopy(SKILL),
    "scorecard": {"attributes": {"Smiling": SHARE}, "flips": {"Smiling": FLIP}},
}


def test_scores_of_features_name_their_extractor_and_scorecards_their_judge() -> None:
    check(SCORES, forms.GENERATION_SCORES)
    forms.check_together(SCORES)
    without = {key: value for key, value in SCORES.items() if key != "extractor"}
    with pytest.raises(Unfit, match="extractor"):
        forms.check_together(without)
    with pytest.raises(Unfit, match="Smiling"):
        forms.check_together({key: value for key, value in SCORES.items() if key != "judge"})


@pytest.mark.parametrize(
    "path",
    [
        ("metrics", "kid"),
        ("judge", "n"),
        ("judge", "always", "Smiling"),
        ("scorecard", "flips", "Smiling", "flip", "never", "low"),
        ("scorecard", "flips", "Smiling", "leakage", "Male", "drift"),
    ],
)
def test_what_is_not_of_its_form_is_found_however_deep(path: tuple[str, ...]) -> None:
    scores = deepcopy(SCORES)
    at = scores
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = {"<script>": []}
    with pytest.raises(Unfit, match="^it." + ".".join(path)[:10]):
        check(scores, forms.GENERATION_SCORES)


JUDGED: dict[str, Any] = {
    "seconds": 1.5,
    "images_per_second": 3,
    "accuracy": 0.5,
    "trust": trust(0.5),
    "selection": selection(0.5, 0.4, 0.6, None),
}


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("trust", "temperature", None),
        ("trust", "reliability", [{"confidence": 1.5, "accuracy": 0, "count": 1}]),
        ("trust", "estimated_accuracy", {"thresholded_entropy": 0.5}),
        ("selection", "oracle", {"accuracy": 2}),
        ("selection", "validators", {"class_ami": {"rank_correlation": "high"}}),
    ],
)
def test_what_is_said_of_classifiers_has_its_form(part: str, key: str, value: Any) -> None:
    check(JUDGED, forms.ADAPTATION_SCORES)
    with pytest.raises(Unfit, match=f"{part}.{key}"):
        check(JUDGED | {part: JUDGED[part] | {key: value}}, forms.ADAPTATION_SCORES)


def test_a_risk_coverage_curve_has_as_many_risks_as_coverages() -> None:
    forms.check_together(JUDGED)
    longer = {"coverage": [0.5, 0.7, 1.0], "risk": [0.2, 0.5], "area": 0.25}
    with pytest.raises(Unfit, match="different lengths"):
        forms.check_together({"trust": trust(0.5) | {"risk_coverage": longer}})
