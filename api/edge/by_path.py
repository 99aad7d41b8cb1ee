"""The way to a route by how its address begins, before the framework asks one after the other."""

from collections import defaultdict
from collections.abc import Iterable

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

Beginning = tuple[str, ...]
"""The first segments of an address, two at most, as far as no parameter stands in them."""


class ByPath:
    """Asks only routers that can have the route; all else is left to the framework.

    They are asked in the order in which the framework would ask them, so the same route is found.
    """

    def __init__(self, inner: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._inner = inner
        beginnings: dict[Beginning, dict[int, BaseRoute]] = defaultdict(dict)
        for number, route in enumerate(routes):
            for each in iter_route_contexts([route]):
                beginnings[_beginning(each.path or "")][number] = route
        self._asked = {key: _in_order(key, beginnings) for key in beginnings}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for route in self.candidates(scope["path"]):
                match, found = route.matches(scope)
                if match == Match.FULL:
                    scope.update(found)
                    await route.handle(scope, receive, send)
                    return
        await self._inner(scope, receive, send)

    def candidates(self, path: str) -> list[BaseRoute]:
        """Return the routes that an address may be of, in the order in which they are asked."""
        first, _, rest = path[1:].partition("/")
        found = self._asked.get((first, rest.partition("/")[0]))
        if found is None:
            found = self._asked.get((first,))
        return found or []


def _beginning(path: str) -> Beginning:
    fixed = path.partition("{")[0]
    segments = fixed[1:].split("/")
    # Of a segment that a parameter ends only a part is fixed.
    return tuple(segments[:-1] if "{" in path else segments)[:2]


def _in_order(key: Beginning, beginnings: dict[Beginning, dict[int, BaseRoute]]) -> list[BaseRoute]:
    found: dict[int, BaseRoute] = {}
    for length in range(len(key) + 1):
        found |= beginnings.get(key[:length], {})
    return [found[number] for number in sorted(found)]
