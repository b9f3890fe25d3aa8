"""Networks as drawings: a space's nodes and edges as SVG that lies in the page itself."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from benchmarks.report.layout import Point, layout
from search_spaces.graph import Graph, Node

LETTER, PADDING, HEIGHT, LONGEST = 7.2, 18, 26, 34  # pixels, and the letters that a box shows


class Drawing(NamedTuple):
    """The nodes of one group."""

    title: str
    svg: Markup


def drawings(graph: Graph, other: Graph | None = None) -> list[Drawing]:
    """A drawing a group; what `other` has not, or has otherwise, is marked by the class `differs`."""
    groups: dict[str, list[Node]] = {}
    for node in graph.nodes.values():
        groups.setdefault(node.group, []).append(node)
    return [Drawing(title, _svg(nodes, graph, other)) for title, nodes in groups.items()]


def _svg(nodes: list[Node], graph: Graph, other: Graph | None) -> Markup:
    names = {node.name for node in nodes}
    edges = [edge for edge in graph.edges if edge[0] in names and edge[1] in names]
    if not edges:
        return _boxes(nodes, other)
    widths = {node.name: len(_short(node.label)) * LETTER + PADDING for node in nodes}
    laid = layout(widths, edges)
    parts = [_edge(points, other is not None and edge not in other.edges) for edge, points in laid.edges.items()]
    parts += [_node(node, laid.places[node.name], widths[node.name], _differs(node, other)) for node in nodes]
    width, height = (round(side) + 4 for side in laid.size)
    head = Markup('<svg role="img" width="{0}" height="{1}" viewBox="-2 0 {0} {1}"><title>{2}</title>')
    return head.format(width, height, nodes[0].group) + Markup("").join(parts) + Markup("</svg>")


def _boxes(nodes: list[Node], other: Graph | None) -> Markup:
    """Nodes without edges are a list."""
    items = (
        Markup('<li class="{}"><bdi>{}</bdi></li>').format("differs" if _differs(node, other) else "", node.label)
        for node in nodes
    )
    return Markup('<ul class="boxes">') + Markup("").join(items) + Markup("</ul>")


def _differs(node: Node, other: Graph | None) -> bool:
    return other is not None and (node.name not in other.nodes or other.nodes[node.name].label != node.label)


def _node(node: Node, place: Point, width: float, differs: bool) -> Markup:
    x, y = place
    return Markup(
        '<g class="node {}{}"><title>{}: {}</title><rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="{}"/>'
        '<text x="{:.1f}" y="{:.1f}">{}</text></g>'
    ).format(
        *(
            node.kind,
            " differs" if differs else "",
            node.name,
            node.label,
            x - width / 2,
            y - HEIGHT / 2,
            width,
            HEIGHT,
        ),
        *(13 if node.kind == "join" else 4, x, y + 4, _short(node.label)),
    )


def _edge(points: list[Point], differs: bool) -> Markup:
    """A line that leaves and arrives level, with a head."""
    (x, y), (end_x, end_y) = points[0], points[-1]
    path = [f"M{x:.1f},{y:.1f}"]
    for place, (right, below) in enumerate(points[1:]):
        middle = (x + right) / 2
        bent = f"C{middle:.1f},{y:.1f} {middle:.1f},{below:.1f} {right:.1f},{below:.1f}"
        path.append(bent if place % 2 == 0 else f"L{right:.1f},{below:.1f}")
        x, y = right, below
    head = f"M{end_x - 7:.1f},{end_y - 4:.1f}L{end_x:.1f},{end_y:.1f}L{end_x - 7:.1f},{end_y + 4:.1f}"
    line = Markup('<path class="edge{}" d="{}{}"/>')
    return line.format(" differs" if differs else "", "".join(path), head)


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
