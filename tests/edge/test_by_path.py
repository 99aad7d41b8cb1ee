"""Routes are found by how their address begins, and no others than the framework finds."""

import re

import pytest
from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from api.app import ROUTES
from api.edge.by_path import ByPath

PATHS = sorted({route.path for route in iter_route_contexts(ROUTES) if route.path})
WORDS = {"uuid": "7f0c1f6e-6a0f-5a7e-9c56-0d2f0e2b8a11", "int": "17", "path": "a/b"}
MORE = ["/", "//", "/v1", "/v1/", "/v1/none", "/cases/new", "/cases/new/a", "/overview/", "/%"]


def filled(path: str) -> str:
    """Put something in the place of each parameter."""
    return re.sub(r"\{\w+(?::(\w+))?\}", lambda found: WORDS.get(found[1] or "", "word1"), path)


def scope_of(method: str, path: str) -> Scope:
    return {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}


def first(routes: list[BaseRoute], method: str, path: str) -> BaseRoute | None:
    for route in routes:
        if route.matches(scope_of(method, path))[0] == Match.FULL:
            return route
    return None


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_the_same_route_is_found(method: str) -> None:
    async def nowhere(*_: object) -> None:
        raise AssertionError

    by_path = ByPath(nowhere, ROUTES)
    found = 0
    for path in [*map(filled, PATHS), *MORE]:
        expected = first(list(ROUTES), method, path)
        assert first(by_path.candidates(path), method, path) is expected, path
        found += expected is not None

    assert found > (100 if method == "GET" else 3)
    assert max(len(by_path.candidates(filled(path))) for path in PATHS) < len(ROUTES) / 5
