import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from sparring.nets.summary import count_parameters, describe


def test_layers_come_in_running_order_with_shapes_and_parameters() -> None:
    convolution = spectral_norm(nn.Conv2d(3, 8, 4, stride=2, padding=1))
    network = nn.Sequential(convolution, nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(32, 5))
    layers = describe(network, lambda: network(torch.zeros(2, 3, 4, 4)))
    assert [layer.kind for layer in layers] == ["Conv2d", "LeakyReLU", "Flatten", "Linear"]
    assert layers[0].output == (8, 2, 2)
    assert layers[0].parameters == 8 * 3 * 16 + 8
    assert layers[0].detail == "3 → 8, 4x4, stride 2, bias, spectral norm"
    assert layers[3].detail == "32 → 5"
    assert sum(layer.parameters for layer in layers) == count_parameters(network)


def test_a_network_without_parts_is_its_own_layer() -> None:
    embedding = nn.Embedding(6, 4)
    layers = describe(embedding, lambda: embedding(torch.zeros(2, 3, dtype=torch.long)))
    assert [(layer.kind, layer.output) for layer in layers] == [("Embedding", (3, 4))]


def test_a_network_may_be_played_with_a_penalty_on_its_gradients() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))

    def penalised() -> torch.Tensor:
        seen = torch.ones(2, 4, requires_grad=True)
        (slope,) = torch.autograd.grad(network(seen).sum(), seen, create_graph=True)
        return slope.square().sum()

    layers = describe(network, penalised)
    assert [layer.kind for layer in layers] == ["Linear", "Tanh", "Linear"]
