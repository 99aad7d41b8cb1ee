"""Where the nodes and bands of a flow are drawn: layers from left to right, heights by amount.

A band that passes over a layer keeps a lane of its own there, below the nodes, so that it runs
behind nobody. Our own, since d3-sankey would need scripts.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from api.web.flow_nodes import Band, Node, Picture

WIDTH, MARGIN_X, MARGIN_Y, NODE_WIDTH = 1120, 178, 12, 14
FLOW_HEIGHT = 360
"""Of all the money that came in; the drawing is higher by what stands between nodes."""

LABEL_HEIGHT, GAP, LANE_GAP = 34, 12, 4
THIN = 1.5
"""Nothing that is there is drawn thinner."""


@dataclass(frozen=True, slots=True)
class Box:
    node: Node
    x: float
    y: float
    height: float
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Ribbon:
    band: Band
    path: str


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    boxes: list[Box]
    ribbons: list[Ribbon]


@dataclass(slots=True, eq=False)
class _Slot:
    """A node, or a band's lane through a layer that it passes over."""

    layer: int
    node: Node | None
    y: float = 0.0
    height: float = 0.0
    arriving: list["_Piece"] = field(default_factory=list)
    leaving: list["_Piece"] = field(default_factory=list)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def pull(self) -> float:
        """How high what arrives comes from, on the average."""
        weight = sum(piece.height for piece in self.arriving)
        return sum(piece.start.middle * piece.height for piece in self.arriving) / weight


@dataclass(slots=True, eq=False)
class _Piece:
    """A band's way from one layer to the next."""

    band: Band
    start: _Slot
    end: _Slot
    height: float
    from_y: float = 0.0
    to_y: float = 0.0


def draw(picture: Picture) -> Drawing:
    """Place everything that can be drawn."""
    bands = [band for band in picture.bands if band.can_be_drawn]
    slots, ways = _connect(picture, bands)
    bottom = 0.0
    for layer in slots:
        bottom = max(bottom, _stack(layer))
    for layer in slots:
        for slot in layer:
            _share(slot)
    last = max(len(slots) - 1, 1)
    step = (WIDTH - 2 * MARGIN_X - NODE_WIDTH) / last
    boxes = [
        Box(slot.node, _round(MARGIN_X + step * at), _round(slot.y), _round(slot.height), fen)
        for at, layer in enumerate(slots)
        for slot in layer
        if slot.node is not None
        for fen in (max(picture.into(slot.node), picture.out_of(slot.node)),)
    ]
    ribbons = [Ribbon(band, _path(way, step)) for band, way in zip(bands, ways, strict=True)]
    return Drawing(WIDTH, round(bottom + MARGIN_Y), boxes, ribbons)


def _connect(picture: Picture, bands: list[Band]) -> tuple[list[list[_Slot]], list[list[_Piece]]]:
    """Make the slots of all layers, and each band's pieces between them."""
    scale = FLOW_HEIGHT / max(picture.came_in_fen, 1)
    drawn = {node.key for band in bands for node in (band.start, band.end)}
    slots = [
        [_Slot(at, node) for node in layer if node.key in drawn]
        for at, layer in enumerate(picture.layers)
    ]
    of = {slot.node.key: slot for layer in slots for slot in layer if slot.node is not None}
    ways = []
    for band in bands:
        stops = [of[band.start.key]]
        for layer in range(band.start.layer + 1, band.end.layer):
            lane = _Slot(layer, None)
            slots[layer].append(lane)
            stops.append(lane)
        stops.append(of[band.end.key])
        height = max(band.amount_fen * scale, THIN)
        way = [_Piece(band, a, b, height) for a, b in pairwise(stops)]
        for piece in way:
            piece.start.leaving.append(piece)
            piece.end.arriving.append(piece)
        ways.append(way)
    return slots, ways


def _stack(layer: list[_Slot]) -> float:
    """Put a layer's slots below one another; return where the last one ends."""
    lanes = [slot for slot in layer if slot.node is None]
    nodes = [slot for slot in layer if slot.node is not None]
    for slot in layer:
        sides = (slot.arriving, slot.leaving)
        slot.height = max(sum(piece.height for piece in side) for side in sides)
    y = float(MARGIN_Y)
    for slot in nodes:
        slot.y = y
        y += max(slot.height, LABEL_HEIGHT) + GAP
    for slot in sorted(lanes, key=lambda lane: lane.pull):
        slot.y = y
        y += slot.height + LANE_GAP
    return y


def _share(slot: _Slot) -> None:
    """Give each band its part of a slot's sides, in the order of where it goes or comes from."""
    y = slot.y
    for piece in sorted(slot.leaving, key=lambda piece: piece.end.middle):
        piece.from_y = y
        y += piece.height
    y = slot.y
    for piece in sorted(slot.arriving, key=lambda piece: piece.start.middle):
        piece.to_y = y
        y += piece.height


def _path(way: list[_Piece], step: float) -> str:
    """Return the outline of a band: along its upper edge, and back along the lower one."""
    there, back = list(_edge(way, step, 0)), list(_edge(way, step, 1))
    parts = [f"M{_point(*there[0][0])}"]
    for start, end in there:
        parts += [f"L{_point(*start)}", _curve(start, end)]
    for start, end in reversed(back):
        parts += [f"L{_point(*end)}", _curve(end, start)]
    return "".join([*parts, "Z"])


def _edge(
    way: list[_Piece], step: float, side: int
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    for piece in way:
        left = MARGIN_X + step * piece.start.layer + NODE_WIDTH
        right = MARGIN_X + step * piece.end.layer
        down = side * piece.height
        yield (left, piece.from_y + down), (right, piece.to_y + down)


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    middle = (start[0] + end[0]) / 2
    return f"C{_point(middle, start[1])} {_point(middle, end[1])} {_point(*end)}"


def _point(x: float, y: float) -> str:
    return f"{_round(x)} {_round(y)}"


def _round(value: float) -> float:
    return round(value, 1)
