import re

import numpy as np
import pytest
import torch

from sparring.data.labels import class_numbers, class_order, composed
from sparring.errors import RequestError


def test_numbers_are_ordered_as_numbers_and_all_else_as_text() -> None:
    assert class_order(map(str, range(1, 13)))[6] == "7"
    assert class_order(["10", "9", "-1", "9"]) == ("-1", "9", "10")
    assert class_order(["10", "9", "b"]) == ("10", "9", "b")
    assert class_order([]) == ()


def test_an_accent_written_apart_is_put_to_its_letter() -> None:
    assert composed("e\u0301te\u0301") == "\u00e9t\u00e9"


@pytest.mark.parametrize("wrong", [-1, 10, 1.5, np.nan, np.inf, 1e300])
def test_a_label_that_is_no_class_is_named_with_its_image(wrong: float) -> None:
    assert torch.equal(class_numbers(np.array([0.0, 9.0]), 10, "here"), torch.tensor([0, 9]))
    with pytest.raises(
        RequestError, match=re.escape(f"here: label {wrong} of image 2 is not in 0..9")
    ):
        class_numbers(np.array([0, 9, wrong, wrong]), 10, "here")
