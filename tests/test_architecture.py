"""What keeps the house in order: modules that speak, lasting names, a README that is true."""

import ast
import importlib
import json
import pkgutil
import re
from enum import Enum
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import NODEFAULT
from msgspec.structs import fields

import api
import ledger
import projections
from api.cli.main import COMMANDS
from api.settings import Settings
from ledger.domain.aggregate import EVENT_CLASSES, METADATA_FIELDS
from ledger.errors import LedgerError
from ledger.files.faults import TEXTS

ROOT = Path(__file__).parents[1]
SNAPSHOTS = Path(__file__).parent / "snapshots"
README = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = (ROOT / "ledger" / "README.md").read_text(encoding="utf-8")


def modules() -> list[str]:
    return [
        found.name
        for package in (ledger, projections, api)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]


def every_refusal() -> list[type[LedgerError]]:
    for name in modules():
        importlib.import_module(name)
    found: list[type[LedgerError]] = []
    waiting = [LedgerError]
    while waiting:
        for refusal in waiting.pop().__subclasses__():
            found.append(refusal)
            waiting.append(refusal)
    return [refusal for refusal in found if refusal.__module__.split(".")[0] in FLOORS]


FLOORS = ("ledger", "projections", "api")


def test_every_module_says_what_it_is_for() -> None:
    for path in [p for floor in FLOORS for p in (ROOT / floor).rglob("*.py")]:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path


def test_every_refusal_says_what_it_means_and_has_a_code() -> None:
    refusals = every_refusal()
    assert len(refusals) > 50
    for refusal in refusals:
        assert refusal.__doc__, refusal
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", refusal.code), refusal
        assert refusal.kind, refusal
    codes = [refusal.code for refusal in refusals]
    assert sorted(codes) == sorted(set(codes)), "a code that two refusals share"


def test_every_fault_is_told_in_two_languages() -> None:
    for code, (zh, en) in TEXTS.items():
        assert re.search("[\u4e00-\u9fff]", zh), code
        assert re.search("[a-z]", en), code


LATER = "later"
"""Under which fields stand that came later, or which ends the name of what they stand under."""


def form_of(hint: Any) -> Any:
    """Describe how a field is stored, down to nested fields, whatever module its type is in."""
    if hasattr(hint, "__supertype__"):
        return form_of(hint.__supertype__)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        hints = get_type_hints(hint)
        forms = {name: form_of(hints[name]) for name in sorted(hint.__struct_fields__)}
        later = {each.name for each in fields(hint) if each.default is not NODEFAULT}
        told = {name: form for name, form in forms.items() if name not in later}
        came_later = {name: form for name, form in forms.items() if name in later}
        return told | ({LATER: came_later} if later else {})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [member.value for member in hint]
    if getattr(hint, "__origin__", None) is tuple:
        return {"list of": form_of(hint.__args__[0])}
    if get_origin(hint) in (Union, UnionType):
        return {"one of": [form_of(each) for each in get_args(hint)]}
    name: str = hint.__name__
    return name


def event_fields() -> dict[str, Any]:
    """Return the fields of every event; those with a default came later, and stand by themselves.

    An event from before is read by the default, so none that was stored is lost with such a field.
    """
    found: dict[str, Any] = {}
    for topic, cls in sorted(EVENT_CLASSES.items()):
        later = {each.name for each in fields(cls) if each.default is not NODEFAULT}
        hints = sorted(get_type_hints(cls).items())
        told = {
            name: form_of(hint)
            for name, hint in hints
            if name in cls.__struct_fields__ and name not in METADATA_FIELDS
        }
        name_ = f"{topic} {cls.SCHEMA}"
        found[name_] = {name: form for name, form in told.items() if name not in later}
        if later:
            found[f"{name_} later"] = {name: told[name] for name in sorted(later)}
    return found


def held_to_snapshot(request: pytest.FixtureRequest, name: str, current: Any) -> object:
    """Return what was pinned; with --update-snapshots, pin what has come since.

    Nothing that was pinned is given up: what was stored once, or told once, keeps its meaning.
    """
    path = SNAPSHOTS / name
    if request.config.getoption("--update-snapshots"):
        pinned = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        for key in pinned:
            assert key in current, f"{key} was pinned and is gone"
            assert isinstance(pinned, list) or is_still_read(pinned[key], current[key], key)
        text = json.dumps(current, ensure_ascii=False, indent=1, sort_keys=True)
        path.write_text(text + "\n", encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def is_still_read(pinned: Any, current: Any, where: str) -> bool:
    """Say that what was stored in a form is read in another: words that a field may hold are added.

    So may be fields that came later: those that are not there have a default.
    """
    if isinstance(pinned, dict) and isinstance(current, dict):
        came_later = where.endswith(LATER)
        known = current | current.get(LATER, {})
        assert pinned.keys() <= known.keys()
        assert came_later or current.keys() - pinned.keys() <= {LATER}
        return all(is_still_read(form, known[name], name) for name, form in pinned.items())
    if isinstance(pinned, list) and isinstance(current, list):
        assert all(each in current for each in pinned), f"words of {where} are gone"
        return True
    assert pinned == current, f"{where} has changed"
    return True


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": ["x"]}, {"a": ["y"]}),
        ({"a": "int"}, {"a": "str"}),
        ({"a": "int"}, {}),
        ({}, {"a": 1}),
    ],
)
def test_a_snapshot_is_not_updated_to_what_reads_less(before: object, after: object) -> None:
    with pytest.raises(AssertionError):
        is_still_read(before, after, "event 1")


def test_stored_event_names_and_the_fields_of_each_version_never_change(
    request: pytest.FixtureRequest,
) -> None:
    current = event_fields()

    pinned = held_to_snapshot(request, "events.json", current)

    assert pinned == current, "an event was renamed or its fields changed: raise its SCHEMA instead"


def test_public_codes_are_only_ever_added(request: pytest.FixtureRequest) -> None:
    current = sorted({refusal.code for refusal in every_refusal()} | set(TEXTS))

    assert held_to_snapshot(request, "codes.json", current) == current


def test_every_event_is_explained_among_the_words() -> None:
    for topic in EVENT_CLASSES:
        noun, _, verb = topic.partition(".")
        assert f"`{topic}`" in WORDS or (f"`{noun}." in WORDS and f"`.{verb}`" in WORDS), topic


def test_events_that_commit_an_organisation_are_marked_as_such() -> None:
    marked = set(re.findall(r"\*\*`([a-z_.]+)`\*\*", WORDS))

    assert marked == {topic for topic, cls in EVENT_CLASSES.items() if cls.COMMITS}


def test_every_command_stands_in_the_readme() -> None:
    for command in COMMANDS:
        assert f"`nuanzhang {command}" in README, command


def test_every_setting_stands_in_the_readme_and_says_what_it_is() -> None:
    for name, setting in Settings.model_fields.items():
        assert f"`NUANZHANG_{name.upper()}`" in README
        assert setting.description, name


def test_no_amount_or_date_of_the_damaged_notice_stands_in_code() -> None:
    """The notice lost every digit 1: its values are data with a confidence, never code."""
    for path in [p for floor in FLOORS for p in (ROOT / floor).rglob("*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        numbers = {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and type(node.value) is int
        }
        assert not numbers & {600, 1600, 60_000, 160_000, 900, 90_000, 190_000}, path


def test_only_bootstrap_reads_the_environment_and_the_clock() -> None:
    for path in [p for floor in FLOORS for p in (ROOT / floor).rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        if path.name != "bootstrap.py":
            assert not re.search(r"datetime\.now|date\.today|time\.time\(|utcnow", text), path
        if path.name not in ("bootstrap.py", "settings.py"):
            assert "os.environ" not in text, path


def test_commands_never_undo_what_an_aggregate_decided() -> None:
    """An event taken back from memory leaves its version missing: check first, decide after."""
    for path in (ROOT / "ledger" / "commands").glob("*.py"):
        assert ".pending" not in path.read_text(encoding="utf-8"), path


def test_nobody_catches_every_exception() -> None:
    for path in [p for floor in FLOORS for p in (ROOT / floor).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type else "everything"
                assert caught not in ("everything", "Exception"), f"{path}:{node.lineno}"


def test_modules_import_one_by_one() -> None:
    for name in modules():
        assert isinstance(importlib.import_module(name), ModuleType)
