"""Another number of filters in a convolution, and what else must have as many."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from search_spaces.layer_graph.layers import IMAGE, Layer, Layers, channels, is_depthwise, width


def resized(layers: Layers, name: str, outputs: int) -> dict[str, Layer] | None:
    """The network with so many filters in a convolution, and in those whose outputs are summed with its.

    Depthwise convolutions that read them have as many groups. None where that cannot be: a sum with the image or with several
    maps side by side, or a convolution of groups that reads it.
    """
    widths, together = channels(layers), {name}
    while True:
        changed = _changed(layers, widths, together)
        if changed is None:
            return None
        sums = [reader for reader in changed if layers[reader].kind == "add"]
        makers = [_makers(layers, widths, reader) for reader in sums]
        if None in makers:
            return None
        grown = together.union(*(found for found in makers if found))
        if grown == together:
            break
        together = grown
    if len(together) > 1 and any(layers[one].groups > 1 for one in together):
        return None  # each group grows by itself, and a sum would mix them
    return _renumbered(layers, together, outputs, changed)


def _changed(layers: Layers, widths: Mapping[str, int], together: Collection[str]) -> set[str] | None:
    """The layers that give other channels where these convolutions do; None: one of them cannot."""
    changed = set(together)
    for name, layer in layers.items():
        if name in together or changed.isdisjoint(layer.sources):
            continue
        if layer.kind == "conv":
            depthwise = is_depthwise(layer, widths[layer.sources[0]])
            if layer.groups > 1 and not (depthwise and layer.outputs == layer.groups):
                return None
            if not depthwise:  # it reads other channels, and gives the same
                continue
        changed.add(name)
    return changed


def _makers(layers: Layers, widths: Mapping[str, int], name: str) -> set[str] | None:
    """The convolutions that decide how many channels a layer gives; None: not they alone."""
    layer = layers.get(name)
    if layer is None or layer.kind == "concat":
        return None
    if layer.kind == "conv" and not is_depthwise(layer, widths[layer.sources[0]]):
        return {name}
    found = [_makers(layers, widths, source) for source in layer.sources]
    return None if None in found else set().union(*(makers for makers in found if makers))


def _renumbered(layers: Layers, together: Collection[str], outputs: int, changed: Collection[str]) -> dict[str, Layer]:
    """The layers with so many filters in some, and as many groups as channels in the depthwise ones that changed."""
    made, widths = dict[str, Layer](), {IMAGE: 3}
    for name, layer in layers.items():
        read = [widths[source] for source in layer.sources]
        if name in together:
            layer = layer._replace(outputs=outputs)
        elif layer.kind == "conv" and name in changed:
            layer = layer._replace(outputs=read[0], groups=read[0])
        made[name], widths[name] = layer, width(layer, read)
    return made
