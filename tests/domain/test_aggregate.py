"""What all aggregates share: names that are taken once, versions without gaps, events once."""

import importlib
import pkgutil
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from ledger import domain
from ledger.domain.aggregate import EVENT_CLASSES, OPERATOR, Act, Event, Root
from ledger.domain.events import AGGREGATES, committing_topics
from ledger.domain.organisation import Organisation
from ledger.domain.service_key import ServiceKey
from tests.domain.acting import ACT, memory, only, replayed, settled


def declare(root: str, **event: object) -> None:
    make: Any = type(Event)
    made = make("Happened", (Event,), {"__module__": __name__, **event}, frozen=True)
    type("Thing", (Root,), {"TOPIC": root, "Happened": made})


def test_an_event_needs_a_name_of_its_own_under_its_aggregates_name() -> None:
    for topic in ({}, {"TOPIC": "other.happened"}, {"TOPIC": "thinghappened"}):
        with pytest.raises(TypeError, match="needs a TOPIC"):
            declare("thing", **topic)


def test_a_name_is_given_once() -> None:
    before = dict(EVENT_CLASSES)

    with pytest.raises(TypeError, match="is taken"):
        declare("fund", TOPIC="fund.drawn")

    assert before == EVENT_CLASSES


def test_events_that_commit_an_organisation_are_known_by_name() -> None:
    assert committing_topics() == {
        "batch.approved",
        "batch.sheet_certified",
        "case.recovery_written_off",
        "fund.allocated",
        "known_ledger.registered",
        "known_ledger.struck_off",
        "log.reaffirmed",
        "policy.adopted",
        "remittance.refused",
        "remittance.sent",
        "service_key.compromised",
    }


def test_every_event_class_knows_the_aggregate_it_belongs_to() -> None:
    for topic, event in EVENT_CLASSES.items():
        assert topic.split(".")[0] == event.ROOT.TOPIC
        assert event in vars(event.ROOT).values()


def test_versions_count_from_one_without_gaps() -> None:
    key = ServiceKey.register(ACT, key_id="ab", algorithm="ed25519", public_key="cd")
    for number in range(3):
        key.give_up(ACT, counts_from=number, reason=str(number))

    events = key.collect_events()

    assert [event.originator_version for event in events] == [1, 2, 3, 4]
    assert {event.originator_id for event in events} == {key.id}
    assert memory(replayed(events)) == memory(key)


def test_a_service_key_is_retired_with_a_reason() -> None:
    key = settled(ServiceKey.register(ACT, key_id="ab", algorithm="ed25519", public_key="cd"))

    key.retire(ACT, reason="轮换")

    retired = only(key, ServiceKey.Retired)
    assert (retired.key_id, retired.reason) == ("ab", "轮换")


def test_events_of_the_past_are_read_though_rules_were_tightened_since() -> None:
    """`apply` only remembers: even a move to itself, refused today, is replayed."""
    root = Organisation.register(ACT, code="A", name="甲", kind="市", parent_id=None)
    [first] = root.collect_events()
    odd = Organisation.Moved(
        originator_id=root.id,
        originator_version=2,
        happened_on=first.happened_on,
        recorded_at=first.recorded_at,
        actor=OPERATOR,
        parent_id=root.id,
        reason="旧账",
    )

    again = replayed([first, odd])

    assert isinstance(again, Organisation)
    assert again.parent_on(first.happened_on) == root.id


def test_events_and_acts_cannot_be_altered() -> None:
    root = Organisation.register(ACT, code="A", name="甲", kind="市", parent_id=None)
    [first] = root.collect_events()

    with pytest.raises(AttributeError):
        first.actor = "another"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Act("a", ACT.happened_on, "b").actor = str(uuid4())  # type: ignore[misc]


def test_no_aggregate_is_missing_from_the_list_of_all() -> None:
    # Else a verifier would not know its events, nor that some need an officer's signature.
    found = {
        each
        for info in pkgutil.iter_modules(domain.__path__, "ledger.domain.")
        for each in vars(importlib.import_module(info.name)).values()
        if isinstance(each, type) and issubclass(each, Root) and each is not Root
    }

    assert set(AGGREGATES) == found


def test_a_verifier_by_itself_knows_every_kind() -> None:
    code = "from ledger.commands.verification import committing_topics as c; print(len(c()))"
    alone = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(alone.stdout) == len(committing_topics())
