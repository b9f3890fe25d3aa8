"""Segmentation decoders of repeated templates (Nekrasov et al., "Template-Based Automatic Search", WACV 2020)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from search_spaces.architecture import Choice, Choices
from search_spaces.graph import Graph
from search_spaces.space import FiniteSpace

OPERATIONS = ("sep3", "sep5", "gap", "max3", "sep5_dil6", "skip")  # in the order of the published ids 0 to 5
JOINS = ("sum", "concat")  # published ids 0 and 1
TAPS = 2
REPEATS, STRIDES = (1, 2, 3, 4), (1, 2)

Genotype = Sequence[Any]
Layer = tuple[int, int, int, int, int]  # two inputs, template, repeats, stride
Template = tuple[str, str, str]  # two operations, join


class DecoderTemplates(FiniteSpace):
    """`templates` designs of two operations and a join, and `layers` layers that say where, how often and at which stride.

    A layer picks two maps from a pool that starts with the encoder's maps at 1/4 and 1/8 and grows by each layer's output,
    and a template: an operation on each map, joined by a sum with weights a channel or by concatenation and a 1x1
    convolution. It is repeated one to four times, each time with weights of its own, on the second input and the output of
    the time before. Layers of the first half may have a stride of 2, which multiplies their channels by two. It holds in
    every repetition of the template, and in every one of the `repeats` of a separable convolution; a skip and a global pooling
    keep the size. Where the two maps differ in size, the first half of the layers goes on with the smaller, the second half
    with the larger one. All outputs that no layer reads are concatenated and brought to `channels`.

    48 and 1 are `channels` and `repeats` as in the search for `DecoderCells`, 64 and 2 those of the published networks.
    Layers in another order are another answer.
    """

    def __init__(self, channels: int = 48, repeats: int = 1, templates: int = 3, layers: int = 7):
        if min(channels, repeats, templates, layers) < 1:
            numbers = f"{channels}, {repeats}, {templates} and {layers}"
            raise ValueError(f"channels, repeats, templates and layers must be at least 1, not {numbers}")
        self.channels, self.repeats, self.templates, self.layers = channels, repeats, templates, layers
        self.notation = (
            f"[[op, op, join] x {templates}, [input, input, template, repeats - 1, stride - 1] x {layers}], or its "
            f"{3 * templates + 5 * layers} numbers in a row"
        )
        decisions: dict[str, tuple[Choice, ...]] = {}
        for template in range(templates):
            decisions |= {f"template{template}.{side}": OPERATIONS for side in "ab"}
            decisions[f"template{template}.join"] = JOINS
        for layer in range(layers):
            decisions |= {f"layer{layer}.{side}": tuple(range(TAPS + layer)) for side in "ab"}
            decisions |= {f"layer{layer}.template": tuple(range(templates)), f"layer{layer}.repeats": REPEATS}
            if layer < layers // 2:
                decisions[f"layer{layer}.stride"] = STRIDES
        self.decisions = decisions

    def parts(self, choices: Choices) -> dict[str, Any]:
        decoder = dict(type="densebench.TemplateDecoder", genotype=self.write(choices), in_index=list(range(TAPS)))
        return {"decoder": {**decoder, "channels": self.channels, "repeats": self.repeats}}

    def active(self, choices: Choices) -> Collection[str]:
        """All but what is said of templates that no layer has."""
        used = {f"template{choices[f'layer{layer}.template']}" for layer in range(self.layers)}
        return [name for name in self.decisions if not name.startswith("template") or name.split(".")[0] in used]

    def choices(self, genotype: Genotype) -> dict[str, Choice]:
        if not isinstance(genotype[0], Sequence):
            genotype = self._nested(genotype)
        templates, layers = genotype
        operations, joins = dict(enumerate(OPERATIONS)), dict(enumerate(JOINS))  # unlike tuples they know no -1
        choices: dict[str, Choice] = {}
        for k, (op_a, op_b, join) in enumerate(templates):
            choices |= {f"template{k}.a": operations[op_a], f"template{k}.b": operations[op_b]}
            choices[f"template{k}.join"] = joins[join]
        for k, (a, b, template, repeats, stride) in enumerate(layers):
            choices |= {f"layer{k}.a": a, f"layer{k}.b": b, f"layer{k}.template": template}
            choices[f"layer{k}.repeats"] = repeats + 1
            if stride or k < self.layers // 2:  # where there is no such decision, a stride of 2 is refused by name
                choices[f"layer{k}.stride"] = stride + 1
        return choices

    def _nested(self, numbers: Sequence[int]) -> list[list[Sequence[int]]]:
        cut, end = 3 * self.templates, 3 * self.templates + 5 * self.layers
        rows = [[numbers[k : k + 3] for k in range(0, cut, 3)], [numbers[k : k + 5] for k in range(cut, end, 5)]]
        if len(numbers) != end:
            raise ValueError(f"a row has {end} numbers, not {len(numbers)}")
        return rows

    def write(self, choices: Choices) -> list[list[list[int]]]:
        """The published notation."""
        templates = [(OPERATIONS.index(a), OPERATIONS.index(b), JOINS.index(c)) for a, b, c in self._templates(choices)]
        layers = [(a, b, k, repeats - 1, stride - 1) for a, b, k, repeats, stride in self._layers(choices)]
        return [[list(row) for row in rows] for rows in (templates, layers)]

    def row(self, choices: Choices) -> list[int]:
        """The published notation as the authors' controller gives it, 44 numbers in a row."""
        return [number for rows in self.write(choices) for one in rows for number in one]

    def canonical(self, choices: Choices) -> Choices:
        """Equal templates are one, numbered as they are first used, and joins do not mind the order of their sides.

        Sides can be exchanged where a template is not repeated: a repetition tells the second input from the first. Such a
        layer takes the order in which the other layers repeat the template, of two or none the one that comes first.
        """
        templates, layers = self._templates(choices), self._layers(choices)
        repeated = {templates[template] for _, _, template, repeats, _ in layers if repeats > 1}
        known: dict[Template, int] = {}
        result = {name: options[0] for name, options in self.decisions.items()}
        for k, (a, b, template, repeats, stride) in enumerate(layers):
            design = templates[template]
            if repeats == 1:
                orders = sorted({design, (design[1], design[0], design[2])})
                wanted = next((order for order in orders if order in repeated), orders[0])
                if wanted != design or (len(orders) == 1 and a > b):
                    a, b = b, a
                design = wanted
            place = known.setdefault(design, len(known))
            result |= {f"layer{k}.a": a, f"layer{k}.b": b, f"layer{k}.template": place, f"layer{k}.repeats": repeats}
            if f"layer{k}.stride" in result:
                result[f"layer{k}.stride"] = stride
        for design, place in known.items():
            result |= {
                f"template{place}.{part}": choice for part, choice in zip(("a", "b", "join"), design, strict=True)
            }
        return result

    def _templates(self, choices: Choices) -> list[Template]:
        names = [[f"template{k}.{part}" for part in ("a", "b", "join")] for k in range(self.templates)]
        return [(str(choices[a]), str(choices[b]), str(choices[join])) for a, b, join in names]

    def _layers(self, choices: Choices) -> list[Layer]:
        rows = []
        for k in range(self.layers):
            a, b, template, repeats = (int(choices[f"layer{k}.{part}"]) for part in ("a", "b", "template", "repeats"))
            rows.append((a, b, template, repeats, int(choices.get(f"layer{k}.stride", 1))))
        return rows

    def wiring(self, choices: Choices) -> Graph:
        """The layers, and the templates that they repeat."""
        graph, group, layers = Graph(), "decoder", self._layers(choices)
        pool = [graph.add(f"tap{place}", f"1/{4 * 2**place} size", group, kind="map") for place in range(TAPS)]
        for k, (a, b, template, repeats, stride) in enumerate(layers):
            label = f"template {template}, {repeats} x" + ", stride 2" * (stride == 2)
            pool.append(graph.add(f"layer{k}", label, group, [pool[a], pool[b]], "join"))
        read = {place for a, b, *_ in layers for place in (a, b)}
        graph.add("scores", "scores", group, [pool[place] for place in loose(read, len(pool))], "map")
        for k, (op_a, op_b, join) in enumerate(self._templates(choices)):
            if any(template == k for _, _, template, _, _ in layers):
                name, group = f"template{k}", f"template {k}"
                inputs = [graph.add(f"{name}.{side}.input", f"input {side}", group, kind="map") for side in "ab"]
                ops = [
                    graph.add(f"{name}.{side}", op, group, [source])
                    for side, op, source in zip("ab", (op_a, op_b), inputs, strict=True)
                ]
                graph.add(f"{name}.join", join, group, ops, "join")
        return graph


def loose(read: Collection[int], places: int) -> list[int]:
    """The places of the layers' outputs that no layer reads."""
    return [place for place in range(TAPS, places) if place not in read]
