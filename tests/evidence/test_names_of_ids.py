"""Which members of events hold ids is told by their names: outsiders have no other schema."""

from collections.abc import Iterator
from typing import Any, get_args, get_type_hints
from uuid import UUID

import msgspec
from hypothesis import given
from hypothesis import strategies as st

import ledger.domain.events  # noqa: F401 - knows all of them
from ledger.domain.aggregate import EVENT_CLASSES, METADATA_FIELDS
from ledger.evidence.canonical import canonical_json
from ledger.evidence.verify import loose_id
from ledger.packs import verify_pack
from tests.evidence import tiny_verifier

ENDINGS = ("_id", "_ids", "_by")
NO_IDS = {"key_id", "to_key_id", "end_to_end_id"}


def leaves(name: str, kind: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names and types of what may stand in a member, its parts by their own names."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for inner, hint in get_type_hints(kind).items():
            yield from leaves(inner, hint)
    elif inside := get_args(kind):
        for each in inside:
            yield from leaves(name, each)
    elif kind is not ...:
        yield name, kind


def test_a_member_holds_an_id_if_and_only_if_its_name_says_so() -> None:
    members = {
        leaf
        for event in EVENT_CLASSES.values()
        for name, hint in get_type_hints(event).items()
        if name not in METADATA_FIELDS
        for leaf in leaves(name, hint)
    }

    ids = {name for name, kind in members if kind is UUID}
    others = {name for name, kind in members if kind not in (UUID, type(None))}

    assert len(ids) > 40
    assert not {name for name in ids if not name.endswith(ENDINGS) or name in NO_IDS}
    assert {name for name in others if name.endswith(ENDINGS)} == NO_IDS


ID = "00000000-0000-0000-0000-00000000000a"
NAMES = ("fund_id", "read_by", "item_ids", "_id", "key_id", "key_ids", "to_key_id", "end_to_end_id")
OTHER_NAMES = ("by", "ids", "fund_idx", "parts", 'a"_id', "_id\n", "_ids\\", "身_id")
VALUES = (ID, ID.upper(), ID.replace("-", ""), ID + "\n", "", "null", f'"x_id":"{ID}', None, 0, 7)


@given(
    st.recursive(
        st.sampled_from(VALUES),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(NAMES + OTHER_NAMES), inner, max_size=3)
        ),
        max_leaves=6,
    )
)
def test_all_verifiers_say_the_same_of_what_holds_an_id(value: Any) -> None:
    found = loose_id(canonical_json({"data": {"inside": value}})) is not None

    assert found == tiny_verifier.is_loose(value) == verify_pack.is_loose(value)
