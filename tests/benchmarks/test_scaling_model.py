import json
from pathlib import Path

import pytest
from benchmarks.scaling_model import Network, Step, tables

DOCS = Path(__file__).parents[2] / "docs"
CASES = {
    "1 process": {"seconds": 0.5},
    "half batch": {"seconds": 0.3},
    "2 processes": {"seconds": 0.4, "bytes": 4e6, "messages": 10.0},
}


def test_a_step_by_hand() -> None:
    step = Step.of(CASES, 100, 2)
    assert (step.fixed, step.per_image) == pytest.approx((0.1, 0.004))
    network = Network("", 1e-3, 1e9)
    assert step.sending(4, network) == pytest.approx(10 * 1e-3 * 2 + 4e6 * 1.5 / 1e9)  # 26 ms
    assert step.efficiency(100, 4, network, 1) == pytest.approx(0.5 / 0.526)
    assert step.efficiency(100, 4, network, 100) == pytest.approx(0.005 / 0.031)
    assert step.least_images(4, network, 1) == 34  # 9 * 26 ms: 0.1 + 34 * 0.004
    assert step.least_images(4, network, 0.001) == 1


def test_the_network_is_that_of_the_two_messages() -> None:
    network = Network.measured({"small": 0.002, "large": 0.002 + 0.05}, 4)
    assert network.latency == 0.001  # there are two rounds among four
    assert network.bandwidth == pytest.approx((32 << 20) * 1.5 / 0.05)


def test_the_page_has_what_follows_from_the_file() -> None:
    measured = json.loads((DOCS / "scaling.json").read_text())
    assert "\n".join(tables(measured)) in (DOCS / "scaling.md").read_text()
