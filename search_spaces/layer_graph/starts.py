"""Networks that a search may start from, as AutoKeras 0.3 and its fork for mobile networks have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from search_spaces.layer_graph.layers import IMAGE, Layer, canonical, channels, strides

STRIDES = (4, 8, 16, 32)  # that have a tap


class Chain:
    """A network under construction; every method gives the name of the layer that it adds, read by the next one by default."""

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.last = IMAGE

    def add(self, kind: str, *sources: str, **settings: Any) -> str:
        self.last, sources = f"layer{len(self.layers)}", sources or (self.last,)
        self.layers[self.last] = Layer(kind, sources, **settings)
        return self.last

    def conv(self, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1, bias: bool = True) -> str:
        return self.add("conv", outputs=outputs, kernel=kernel, stride=stride, groups=groups, bias=bias)

    def chain(self, *kinds: str) -> str:
        for kind in kinds:
            self.add(kind)
        return self.last

    def width(self) -> int:
        return channels(self.layers)[self.last]

    def ended(self) -> dict[str, Layer]:
        """The network with taps at the last map of each of STRIDES that it has, and at its end, whatever its stride."""
        last = {stride: name for name, stride in strides(self.layers).items() if name != IMAGE}
        deepest = max(last)
        ends = {stride: name for stride, name in last.items() if stride in STRIDES or stride == deepest}
        for stride, name in ends.items():
            self.layers[f"tap{stride}"] = Layer("tap", (self.last if stride == deepest else name,))
        return canonical(self.layers)


def cnn(width: int = 64, depth: int = 3) -> dict[str, Layer]:
    """AutoKeras's plain network: `depth` times norm, ReLU, convolution and a pooling to half the size."""
    made = Chain()
    for _ in range(depth):
        made.chain("norm", "relu")
        made.conv(width)
        made.add("max", kernel=2, stride=2)
    return made.ended()


def mobilenet(
    rows: Sequence[tuple[int, int, int, int]] = ((1, 16, 1, 1), (6, 24, 2, 1)),
    stem: int = 32,
    stride: int = 1,
    last: int = 96,
    shortcuts: bool = False,
    bias: bool = True,
) -> dict[str, Layer]:
    """MobileNetV2's first stages (Sandler et al., CVPR 2018), by default those of the fork, for images of CIFAR-10.

    `rows` are the expansion, the channels, the layers and the first layer's stride of the stages, `stem` and `last` the
    channels of the first and of the last convolution, `stride` that of the first. With `shortcuts` a 1x1 convolution stands in
    for the identity where channels change.
    """
    made = Chain()
    made.conv(stem, stride=stride, bias=bias)
    made.chain("norm", "relu")
    for expansion, outputs, depth, step in rows:
        for layer in range(depth):
            _inverted(made, expansion, outputs, 1 if layer else step, shortcuts, bias)
    made.conv(last, 1, bias=bias)
    made.chain("norm", "relu")
    return made.ended()


def _inverted(made: Chain, expansion: int, outputs: int, stride: int, shortcuts: bool, bias: bool) -> None:
    start, inputs = made.last, made.width()
    made.conv(expansion * inputs, 1, bias=bias)
    made.chain("norm", "relu")
    made.conv(expansion * inputs, 3, stride, expansion * inputs, bias)
    made.chain("norm", "relu")
    made.conv(outputs, 1, bias=bias)
    end = made.chain("norm")
    if stride == 1 and (shortcuts or inputs == outputs):
        if inputs != outputs:
            made.last = start
            made.conv(outputs, 1, bias=bias)
            start = made.chain("norm")
        made.add("add", start, end)


def resnet(width: int = 64, depths: Sequence[int] = (2, 2, 2, 2), stride: int = 1) -> dict[str, Layer]:
    """AutoKeras's ResNet-18: norm and ReLU before each convolution, and a 1x1 convolution in every shortcut."""
    made = Chain()
    made.conv(width, stride=stride)
    made.chain("norm")
    for stage, depth in enumerate(depths):
        for block in range(depth):
            outputs, step, start = width << stage, 2 if stage and not block else 1, made.last
            made.chain("norm", "relu")
            made.conv(outputs, 3, step)
            made.chain("norm", "relu")
            end = made.conv(outputs)
            made.last = start
            made.chain("relu")
            made.add("add", made.conv(outputs, 1, step), end)
    return made.ended()


def densenet(
    width: int = 64, growth: int = 32, depths: Sequence[int] = (6, 12, 24, 16), stride: int = 1
) -> dict[str, Layer]:
    """AutoKeras's DenseNet-121 (Huang et al., CVPR 2017), whose first convolution keeps the size of CIFAR-10's images."""
    made = Chain()
    made.conv(width, 7, stride)
    made.chain("norm", "relu")
    made.add("max", kernel=3, stride=2)
    for block, depth in enumerate(depths):
        for _ in range(depth):
            start = made.last
            made.chain("norm", "relu")
            made.conv(4 * growth, 1)
            made.chain("norm", "relu")
            made.add("concat", start, made.conv(growth))
        made.chain("norm", "relu")
        if block + 1 < len(depths):
            made.conv(made.width() // 2, 1)
            made.add("avg", kernel=2, stride=2)
    return made.ended()


STARTS: dict[str, Callable[..., dict[str, Layer]]] = {
    "cnn": cnn,
    "mobilenet": mobilenet,
    "resnet": resnet,
    "densenet": densenet,
}
