from copy import deepcopy
from typing import Any

import pytest

from sparring.report import forms
from sparring.report.checked import Unfit, check


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
