import pytest
import torch
from benchmarks.speed import limit
from benchmarks.speed.limit import Rates, Work, count, fastest, measure, step_work
from torch import nn

from sparring import runtime
from sparring.game import Method, Move, Shape, Unlabelled
from sparring.methods import DCGAN, DSN

CPU = torch.device("cpu")


class OneConvolution(Method):
    """Mean of a 3x3 convolution, 3 channels to 2, no padding."""

    batch_type = Unlabelled

    def build(self, shape):
        self.net = nn.Conv2d(3, 2, 3, bias=False)

    def players(self):
        return {"net": self.net}

    def moves(self, batch, progress):
        yield Move("net", self.net(batch.image).mean())


def one_convolution() -> Method:
    method = OneConvolution()
    method.build(Shape(8))
    return method


def test_a_convolution_is_counted_as_by_hand() -> None:
    work = count(one_convolution(), Unlabelled(torch.rand(5, 3, 8, 8)))
    # 5 images, 6x6 places, 2 outputs, 3x3x3 taps, 2 operations each; the same again for the
    # gradient of the weight, and none for that of the image, which nobody asks for.
    assert work.operations == 2 * (2 * 5 * 36 * 2 * 27)
    image, weight, result = 5 * 3 * 64, 54, 5 * 2 * 36
    assert work.operands == (image + weight + result) + (result + image + weight + weight)
    assert work.moved == 54


def test_work_on_a_batch_is_told_from_two_small_ones() -> None:
    whole = count(one_convolution(), Unlabelled(torch.rand(20, 3, 8, 8)))
    assert step_work(one_convolution(), Shape(8), 20) == whole


def test_a_dcgan_step_is_counted_as_by_hand() -> None:
    method = DCGAN(width=4, noise_size=8)
    method.build(Shape(8))
    n = 3
    # Multiply-adds of one image: generator 1x1 to 4x4 (8 -> 4, 16 taps), 4x4 to 8x8 (4 -> 3);
    # discriminator 8x8 to 4x4 (3 -> 4), 4x4 to 1x1 (4 -> 1).
    project, paint = 8 * 4 * 16, 4 * 4 * 4 * 3 * 16
    look, judge = 16 * 3 * 4 * 16, 4 * 16
    discriminator = look + judge
    first = 2 * (discriminator + (look + 2 * judge))  # two passes; no gradient of the images
    second = discriminator + (look + judge)  # gradients of activations alone
    generator = (project + paint) + (project + 2 * paint)  # no gradient of the noise
    work = count(method, Unlabelled(torch.rand(n, 3, 8, 8)))
    assert work.operations == 2 * n * (first + second + generator)
    assert work.moved == sum(parameter.numel() for parameter in method.parameters())


def test_taps_over_padding_are_not_counted() -> None:
    method = DSN()
    shape = Shape(32, tuple("ab"), "classes")
    method.build(shape)
    wide = DSN(encoder="resnet18-3x3")
    wide.build(shape)
    narrow, full = (step_work(one, shape, 16).operations for one in (method, wide))
    assert full > 5 * narrow


def test_the_limit_is_the_slower_of_arithmetic_and_memory() -> None:
    rates = Rates(float32=50.0, bfloat16=100.0, bandwidth=10.0)
    assert Work(operations=400, operands=3, moved=0).seconds(rates, 4) == 4.0
    assert Work(operations=400, operands=0, moved=10).seconds(rates, 4) == 24.0
    assert Work(operations=400, operands=100, moved=0).seconds(rates, 2) == 20.0
    assert rates.best(Rates(60.0, 90.0, 10.5)) == Rates(60.0, 100.0, 10.5)


@pytest.mark.parametrize("flags", ["avx2", "avx2 avx512_bf16"])
def test_rates_are_measured_where_the_machine_has_the_instructions(
    flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "_processor", lambda name: flags)
    tried: set[torch.dtype] = set()

    def rate(size: int, dtype: torch.dtype, *place: object) -> float:
        tried.add(dtype)
        return 3.0

    monkeypatch.setattr(limit, "_product_rate", rate)
    monkeypatch.setattr(limit, "_convolution_rate", lambda images, *asked: rate(*asked))
    rates = measure(CPU, seconds=0.01)
    bfloat16 = "bf16" in flags
    assert tried == {torch.float32} | ({torch.bfloat16} if bfloat16 else set())
    assert (rates.float32, rates.bfloat16) == (3.0, 3.0 if bfloat16 else 0.0)
    assert rates.bandwidth > 0


def test_a_product_and_a_convolution_have_a_rate() -> None:
    rates = (
        limit._product_rate(64, torch.float32, CPU, 0.01),
        limit._convolution_rate(2, 8, torch.float32, CPU, 0.01),
    )
    assert all(1e6 < rate < 1e14 for rate in rates)


def test_the_fastest_of_at_least_three_calls_counts() -> None:
    calls = []
    assert fastest(lambda: calls.append(1), CPU, seconds=0) > 0
    assert len(calls) == 3


@pytest.mark.parametrize("batch_size", [4, 9])
def test_work_grows_with_the_batch_and_the_weights_do_not(batch_size: int) -> None:
    work = step_work(one_convolution(), Shape(8), batch_size)
    assert work.operations == batch_size * 2 * 2 * 36 * 2 * 27
    assert work.moved == 54
