"""The archive: on which day a person stands in it, and what was done with their data."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.domain.recipient import (
    AlreadyErased,
    FileDatesBackwards,
    FileNumberTaken,
    FileUnknown,
    OnFile,
    Recipient,
)
from ledger.domain.sealed import Sealed
from tests.domain.acting import ACT, memory, on, only, replayed, settled

PERSON, UNION = uuid4(), uuid4()
DAY = date(2017, 1, 20)
DETAILS = Sealed(ciphertext="c2VhbGVk", commitment="11" * 32)


def person() -> Recipient:
    return settled(Recipient.register(ACT, PERSON, id_index="blind"))


def filed(opened_on: date = DAY, number: str = "DA1") -> Recipient:
    one = person()
    put(one, number, opened_on)
    return settled(one)


def put(one: Recipient, number: str, day: date) -> None:
    one.file(
        on(day),
        file_number=number,
        organisation_id=UNION,
        category="建档困难职工",
        details=DETAILS,
        card_index="card",
    )


def test_a_person_is_known_by_a_blind_index_alone() -> None:
    one = Recipient.register(ACT, PERSON, id_index="blind")

    registered = only(one, Recipient.Registered)
    assert (one.id, registered.id_index) == (PERSON, "blind")


def test_a_file_is_opened_sealed_and_closed_with_a_reason() -> None:
    one = person()
    put(one, "DA1", DAY)
    opened = only(one, Recipient.Filed)
    assert (opened.file_number, opened.organisation_id, opened.category) == (
        "DA1",
        UNION,
        "建档困难职工",
    )
    assert (opened.details, opened.card_index, opened.happened_on) == (DETAILS, "card", DAY)

    one.close_file(on(DAY + timedelta(days=9)), file_number="DA1", reason="脱困")

    closed = only(one, Recipient.FileClosed)
    assert (closed.file_number, closed.reason) == ("DA1", "脱困")


def test_a_file_number_is_given_once() -> None:
    one = filed()

    with pytest.raises(FileNumberTaken):
        put(one, "DA1", DAY)

    assert one.collect_events() == []


def test_only_an_open_file_closes_and_not_before_it_was_opened() -> None:
    one = filed()
    with pytest.raises(FileUnknown):
        one.close_file(ACT, file_number="DA2", reason="")
    with pytest.raises(FileDatesBackwards):
        one.close_file(on(DAY - timedelta(days=1)), file_number="DA1", reason="")
    assert one.collect_events() == []

    one.close_file(on(DAY), file_number="DA1", reason="误建")
    settled(one)

    with pytest.raises(FileUnknown):
        one.close_file(on(DAY), file_number="DA1", reason="再次")
    assert one.collect_events() == []


def test_on_the_day_a_file_closes_its_person_is_not_on_file() -> None:
    one = filed()
    one.close_file(on(DAY + timedelta(days=2)), file_number="DA1", reason="脱困")

    standing = [one.standing_on(DAY + timedelta(days=n))[0] for n in (-1, 0, 1, 2, 3)]

    assert standing == [OnFile.ABSENT, OnFile.LIVE, OnFile.LIVE, OnFile.CLOSED, OnFile.CLOSED]


@given(
    st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30)), max_size=4),
    st.integers(-1, 62),
)
def test_one_live_file_is_enough(spans: list[tuple[int, int | None]], asked: int) -> None:
    one, day = person(), DAY + timedelta(days=asked)
    for number, (opened, lasts) in enumerate(spans):
        put(one, f"DA{number}", DAY + timedelta(days=opened))
        if lasts is not None:
            closing = on(DAY + timedelta(days=opened + lasts))
            one.close_file(closing, file_number=f"DA{number}", reason="脱困")
    live = [s for s in spans if s[0] <= asked and (s[1] is None or asked < s[0] + s[1])]
    began = [s for s in spans if s[0] <= asked]

    on_file, file = one.standing_on(day)

    assert on_file is (OnFile.LIVE if live else OnFile.CLOSED if began else OnFile.ABSENT)
    assert (file is None) == (on_file is OnFile.ABSENT)


def test_looking_at_clear_data_is_an_event_with_fields_and_reason() -> None:
    one = filed()

    one.unmask(ACT, fields=("name", "phone"), reason="核查")

    unmasked = only(one, Recipient.Unmasked)
    assert (unmasked.fields, unmasked.reason) == (("name", "phone"), "核查")


def test_who_was_erased_is_neither_filed_nor_seen_nor_erased_again() -> None:
    one = filed()
    one.erase(ACT, reason="期满")
    assert only(one, Recipient.Erased).reason == "期满"

    with pytest.raises(AlreadyErased):
        put(one, "DA2", DAY)
    with pytest.raises(AlreadyErased):
        one.unmask(ACT, fields=("name",), reason="核查")
    with pytest.raises(AlreadyErased):
        one.erase(ACT, reason="再次")

    assert one.collect_events() == []


def test_a_replayed_recipient_is_the_one_who_lived() -> None:
    one = Recipient.register(ACT, UUID(int=7), id_index="blind")
    put(one, "DA1", DAY)
    one.close_file(on(DAY), file_number="DA1", reason="脱困")
    one.unmask(ACT, fields=("name",), reason="核查")
    one.erase(ACT, reason="期满")

    assert memory(replayed(one.collect_events())) == memory(one)
