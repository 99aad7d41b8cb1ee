"""What a drawing of the flow of funds is made of: nodes in layers, and bands between them."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from projections.flow_of_funds import Flow, Origin, Stop
from projections.organisations import Organisation, Tree

CARRIED, RECEIVED, ABOVE = "carried", "received", "above"
ORGANISATION, OTHERS = "organisation", "others"
PAID, IN_TRANSIT, RETURNED, IN_HAND, ELSEWHERE = (
    "paid",
    "in_transit",
    "returned",
    "in_hand",
    "elsewhere",
)
REMITTED = "remitted"
ENDS = (PAID, IN_TRANSIT, RETURNED, IN_HAND, ELSEWHERE, REMITTED)
NODES_MAX = 8
"""Of organisations in a layer; the smaller ones of more are folded into one node."""


@dataclass(frozen=True, slots=True)
class Node:
    """`vintage` and `source` say which money; `organisations` are all whose money it counts.

    `alone` says that those below the organisation have nodes of their own.
    """

    key: str
    kind: str
    layer: int
    organisation: Organisation | None = None
    organisations: tuple[Organisation, ...] = ()
    alone: bool = False
    vintage: int | None = None
    source: str | None = None

    def __hash__(self) -> int:
        return hash(self.key)


@dataclass(frozen=True, slots=True)
class Band:
    """Money from one node to another. What cannot be drawn: nothing or less, or back up."""

    start: Node
    end: Node
    amount_fen: int

    @property
    def can_be_drawn(self) -> bool:
        return self.amount_fen > 0 and self.start.layer < self.end.layer


@dataclass(slots=True)
class Picture:
    """Nodes by layer, and all bands; what flows into a node of an organisation flows out of it."""

    layers: list[list[Node]] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)

    def into(self, node: Node) -> int:
        return sum(band.amount_fen for band in self.bands if band.end == node)

    def out_of(self, node: Node) -> int:
        return sum(band.amount_fen for band in self.bands if band.start == node)

    @property
    def came_in_fen(self) -> int:
        """All that came into the picture: what shares are of."""
        return sum(band.amount_fen for band in self.bands if band.start.layer == 0)

    @property
    def undrawn(self) -> list[Band]:
        return [band for band in self.bands if not band.can_be_drawn]


def picture(
    flow: Flow,
    tree: Tree,
    tops: list[Organisation],
    *,
    levels: int,
    unfolded: bool,
) -> Picture:
    """Lay out who is shown, and what flows between them.

    Args:
        flow: Through all organisations in question.
        tree: On the day.
        tops: Those that nothing in question stands above.
        levels: How many levels of organisations have nodes of their own.
        unfolded: Show the small ones too.
    """
    drawn = Picture()
    places = _places(flow, tree, tops, levels, unfolded=unfolded)
    layers: dict[int, dict[str, Node]] = defaultdict(dict)
    for node in places.values():
        layers[node.layer][node.key] = node
    last = max(layers, default=0) + 1
    sums: dict[tuple[Node, Node], int] = defaultdict(int)
    for id_, stop in flow.stops.items():
        here = places[id_]
        for origin_id, amount in stop.opening.items():
            sums[_carried(flow.origins[origin_id]), here] += amount
        for origin_id, amount in stop.received.items():
            sums[_received(flow.origins[origin_id]), here] += amount
        for kind, amount in _ends(stop):
            sums[here, Node(kind, kind, last)] += amount
    for (giver, taker), amount in flow.passed.items():
        start = places.get(giver, Node(ABOVE, ABOVE, 0))
        end = places.get(taker, Node(ELSEWHERE, ELSEWHERE, last))
        if start != end:
            sums[start, end] += amount
    drawn.bands = [Band(start, end, amount) for (start, end), amount in sums.items() if amount]
    for band in drawn.bands:
        for node in (band.start, band.end):
            layers[node.layer][node.key] = node
    drawn.layers = [sorted(layers[at].values(), key=_order) for at in range(last + 1)]
    drawn.bands.sort(key=lambda band: (band.start.layer, _order(band.start), _order(band.end)))
    return drawn


def _places(
    flow: Flow, tree: Tree, tops: list[Organisation], levels: int, *, unfolded: bool
) -> dict[UUID, Node]:
    """Say which node each organisation's money counts in."""
    size = _sizes(flow, tree, tops)
    places: dict[UUID, Node] = {}
    shown = tops
    for layer in range(1, levels + 1):
        moved = [each for each in shown if size[each.organisation_id]]
        kept, folded = _fold(moved, size, layer, unfolded=unfolded)
        idle = [each for each in shown if not size[each.organisation_id]]
        below: list[Organisation] = []
        for each in (*kept, *idle):
            children = tree.children(each.organisation_id)
            alone = layer < levels and bool(children)
            key = f"organisation-{each.code}"
            node = Node(key, ORGANISATION, layer, each, (each,), alone)
            ids = [each.organisation_id] if alone else tree.subtree(each.organisation_id)
            places.update(dict.fromkeys(ids, node))
            below += children if alone else []
        if folded:
            node = Node(f"others-{layer}", OTHERS, layer, None, tuple(folded))
            for each in folded:
                places.update(dict.fromkeys(tree.subtree(each.organisation_id), node))
        shown = below
        if not shown:
            break
    return {id_: node for id_, node in places.items() if id_ in flow.stops}


def _fold(
    moved: list[Organisation], size: Mapping[UUID, int], layer: int, *, unfolded: bool
) -> tuple[list[Organisation], list[Organisation]]:
    """Keep the largest organisations of a layer, in their order; the others are folded."""
    if unfolded or layer == 1 or len(moved) <= NODES_MAX:
        return moved, []
    by_size = sorted(moved, key=lambda each: -size[each.organisation_id])
    large = {each.organisation_id for each in by_size[: NODES_MAX - 1]}
    return (
        [each for each in moved if each.organisation_id in large],
        [each for each in moved if each.organisation_id not in large],
    )


def _sizes(flow: Flow, tree: Tree, tops: Collection[Organisation]) -> dict[UUID, int]:
    """Return how much moved through each organisation with all below it."""
    size: dict[UUID, int] = {}
    for top in tops:
        for id_ in reversed(tree.subtree(top.organisation_id)):
            stop = flow.stops.get(id_, Stop())
            came_in = (*stop.opening.values(), *stop.received.values())
            moved = stop.came_down_fen + sum(map(abs, came_in))
            below = sum(size[child.organisation_id] for child in tree.children(id_))
            size[id_] = moved + below
    return size


def _carried(origin: Origin) -> Node:
    return Node(f"carried-{origin.vintage}", CARRIED, 0, vintage=origin.vintage)


def _received(origin: Origin) -> Node:
    return Node(f"received-{origin.source}", RECEIVED, 0, source=origin.source)


def _ends(stop: Stop) -> list[tuple[str, int]]:
    return [
        (PAID, stop.paid_fen),
        (IN_TRANSIT, stop.in_transit_fen),
        (RETURNED, stop.returned_fen),
        (IN_HAND, stop.in_hand_fen),
        (REMITTED, stop.remitted_fen),
    ]


def _order(node: Node) -> tuple[int, str]:
    """Carried money first, the oldest on top; ends as they are named; others last."""
    kinds = (ABOVE, CARRIED, RECEIVED, ORGANISATION, OTHERS, *ENDS)
    return kinds.index(node.kind), node.key
