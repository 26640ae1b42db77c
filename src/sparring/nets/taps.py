"""A padded 3x3 convolution that multiplies only with the taps that can meet the image.

On the 1x1 and 2x2 maps that ResNet18 makes of 32-pixel images, most of a padded 3x3 kernel lies
over the padding: eight taps of nine on a 1x1 map. The result, and every gradient, is that of the
full convolution; the work is not.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class Conv3x3(nn.Conv2d):
    """A 3x3 convolution with padding 1 and no bias; float [N, C, H, W] to [N, D, H', W']."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        size = tuple(x.shape[2:])
        if size == (1, 1):
            return linear(x.flatten(1), self.weight[:, :, 1, 1])[:, :, None, None]
        if size == (2, 2):
            return self._on_2x2(x)
        return super().forward(x)

    def _on_2x2(self, x: Tensor) -> Tensor:
        """As one matrix product: each output pixel meets the four input pixels through four taps.

        The tap between output pixel (i, j) and input pixel (k, l) is weight[1 + k - i, 1 + l - j].
        """
        outputs = [(i, j) for i in range(0, 2, self.stride[0]) for j in range(0, 2, self.stride[1])]
        matrix = torch.cat([self.weight[:, :, 1 - i : 3 - i, 1 - j : 3 - j] for i, j in outputs])
        side = 2 // self.stride[0]
        product = linear(x.flatten(1), matrix.flatten(1))
        return product.unflatten(1, (len(outputs), -1)).transpose(1, 2).unflatten(2, (side, side))
