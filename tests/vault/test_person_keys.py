"""Keys of people: made once, durable before they are needed, and gone for good when destroyed."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import UUID, uuid4

import pytest

from ledger.vault import keys
from ledger.vault.keys import KeyMadeElsewhere, KeyStillReadable, PersonErased, VaultUnreadable
from ledger.vault.prints import SealedPrint
from ledger.vault.vault import KEY_BYTES, SealBroken, Vault

MASTER, INDEX = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
FIELDS = {"name": "李试验"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


@pytest.fixture
def vault(path: Path) -> Iterator[Vault]:
    vault = Vault(path, MASTER, INDEX)
    yield vault
    vault.close()


@pytest.fixture
def elsewhere(path: Path, vault: Vault) -> Iterator[Vault]:
    """Stand for another process that has the same vault open."""
    assert vault
    other = Vault(path, MASTER, INDEX)
    yield other
    other.close()


def _wrapped_key(path: Path, person: UUID) -> bytes | None:
    reader = sqlite3.connect(path)
    try:
        (wrapped,) = reader.execute(
            "SELECT wrapped FROM person_keys WHERE subject = ?", (person.bytes,)
        ).fetchone()
    finally:
        reader.close()
    return bytes(wrapped) if wrapped is not None else None


def test_a_forgotten_key_is_on_no_page_of_the_vault_nor_of_its_log(
    vault: Vault, path: Path
) -> None:
    people = [uuid4() for _ in range(300)]
    for person in people:
        vault.seal(person, "payee", FIELDS)
    vault.flush()
    wrapped = _wrapped_key(path, people[150])
    assert wrapped is not None
    assert any(wrapped in file.read_bytes() for file in path.parent.iterdir())

    assert vault.forget(people[150])

    assert _wrapped_key(path, people[150]) is None
    for file in path.parent.iterdir():
        assert wrapped not in file.read_bytes()
        assert wrapped[:16] not in file.read_bytes()


def test_after_forgetting_nothing_opens_and_nothing_is_sealed_again(
    vault: Vault, path: Path
) -> None:
    person, neighbour = uuid4(), uuid4()
    sealed = vault.seal(person, "payee", FIELDS)
    kept = vault.seal(neighbour, "payee", FIELDS)
    vault.flush()

    assert vault.forget(person)
    assert not vault.forget(person)

    vault.close()
    again = Vault(path, MASTER, INDEX)
    with pytest.raises(PersonErased):
        again.open(person, "payee", *sealed)
    with pytest.raises(PersonErased):
        again.seal(person, "payee", FIELDS)
    assert again.open(neighbour, "payee", *kept) == FIELDS
    again.close()


def test_someone_who_never_had_a_key_can_be_forgotten_beforehand(vault: Vault) -> None:
    person = uuid4()

    assert not vault.forget(person)

    with pytest.raises(PersonErased):
        vault.seal(person, "payee", FIELDS)


def test_a_dry_run_leaves_no_key(vault: Vault, path: Path) -> None:
    person = uuid4()
    sealed = vault.seal(person, "payee", FIELDS)

    vault.discard_new()
    vault.flush()

    with pytest.raises(SealBroken):
        vault.open(person, "payee", *sealed)
    vault.close()
    reader = sqlite3.connect(path)
    assert reader.execute("SELECT count(*) FROM person_keys").fetchone() == (0,)
    reader.close()


def test_forgetting_one_person_keeps_the_unflushed_keys_of_others(vault: Vault) -> None:
    writing, erased = uuid4(), uuid4()
    sealed = vault.seal(writing, "payee", FIELDS)

    vault.forget(erased)
    vault.flush()

    assert vault.open(writing, "payee", *sealed) == FIELDS


def test_a_key_that_another_process_made_meanwhile_is_not_overwritten_nor_ours_lost_in_silence(
    vault: Vault, elsewhere: Vault
) -> None:
    person = uuid4()
    vault.seal(person, "payee", FIELDS)
    theirs = elsewhere.seal(person, "payee", FIELDS)
    elsewhere.flush()

    with pytest.raises(KeyMadeElsewhere):
        vault.flush()

    assert vault.open(person, "payee", *theirs) == FIELDS
    ours = vault.seal(person, "payee", FIELDS)
    vault.flush()
    assert elsewhere.open(person, "payee", *ours) == FIELDS


def test_people_are_found_by_each_of_the_many_values_that_were_noted(
    vault: Vault, elsewhere: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "INDEXES_AT_ONCE", 3)
    people = [uuid4() for _ in range(4)]
    for number, person in enumerate(people):
        vault.note(person, [("name", f"试验{number}"), ("phone", "17000000000")])

    vault.flush()
    vault.note(people[0], [("name", "试验0")])  # once more changes nothing
    vault.flush()

    assert [elsewhere.noted("name", f"试验{number}") for number in range(4)] == [
        {person} for person in people
    ]
    assert elsewhere.noted("phone", "17000000000") == set(people)
    assert elsewhere.noted("phone", "试验0") == set()


def test_while_people_are_at_hand_their_keys_are_asked_for_once(
    vault: Vault, elsewhere: Vault
) -> None:
    person = uuid4()
    sealed = vault.seal(person, "payee", FIELDS)
    vault.flush()

    with vault.at_hand([person]):
        assert elsewhere.forget(person)
        assert vault.open(person, "payee", *sealed) == FIELDS
        beside = Thread(target=lambda: told.append(_refusal(vault, person, sealed)))
        told: list[str] = []
        beside.start()
        beside.join()

    assert told == [PersonErased.code]  # for other threads nothing changes
    assert _refusal(vault, person, sealed) == PersonErased.code


def _refusal(vault: Vault, person: UUID, sealed: tuple[str, str]) -> str:
    with pytest.raises(PersonErased) as refused:
        vault.open(person, "payee", *sealed)
    return refused.value.code


def test_an_erasure_in_another_process_is_heeded_at_once(vault: Vault, elsewhere: Vault) -> None:
    person = uuid4()
    sealed = vault.seal(person, "payee", FIELDS)
    vault.flush()
    assert vault.open(person, "payee", *sealed) == FIELDS

    assert elsewhere.forget(person)

    with pytest.raises(PersonErased):
        vault.open(person, "payee", *sealed)
    with pytest.raises(PersonErased):
        vault.seal(person, "payee", FIELDS)


def test_an_erasure_that_a_reader_holds_up_says_so_and_can_be_repeated(
    vault: Vault, path: Path
) -> None:
    person = uuid4()
    vault.seal(person, "payee", FIELDS)
    vault.flush()
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM person_keys").fetchone()
    wrapped = _wrapped_key(path, person)
    assert wrapped is not None

    with pytest.raises(KeyStillReadable):
        vault.forget(person)
    reader.close()
    vault.forget(person)

    assert not any(wrapped in file.read_bytes() for file in path.parent.iterdir())


def test_a_key_altered_in_the_file_is_told_from_a_wrong_master_key(
    vault: Vault, path: Path
) -> None:
    person = uuid4()
    sealed = vault.seal(person, "payee", FIELDS)
    vault.flush()
    vault.close()
    writer = sqlite3.connect(path)
    writer.execute("UPDATE person_keys SET wrapped = zeroblob(60)")
    writer.commit()
    writer.close()

    again = Vault(path, MASTER, INDEX)

    with pytest.raises(VaultUnreadable):
        again.open(person, "payee", *sealed)
    again.close()


def test_threads_that_seal_for_the_same_people_agree_on_their_keys(vault: Vault) -> None:
    people = [uuid4() for _ in range(50)]
    sealed: list[tuple[UUID, tuple[str, str]]] = []

    def seal_all() -> None:
        sealed.extend((person, vault.seal(person, "payee", FIELDS)) for person in people)

    threads = [Thread(target=seal_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    vault.flush()

    assert len(sealed) == 200
    assert all(vault.open(person, "payee", *each) == FIELDS for person, each in sealed)


def test_keys_kept_together_open_what_they_would_alone_and_the_erased_and_restricted_stay_shut(
    vault: Vault, elsewhere: Vault
) -> None:
    people = [uuid4() for _ in range(300)]
    sealed = {person: vault.seal(person, "payee", FIELDS) for person in people}
    vault.flush()
    erased, restricted, late, *others = people
    vault.forget(erased)
    vault.restrict(restricted)

    elsewhere.keep_all([*people, uuid4()])
    vault.forget(late)

    assert all(elsewhere.open(each, "payee", *sealed[each]) == FIELDS for each in others)
    for shut in (erased, restricted, late):
        with pytest.raises(PersonErased):
            elsewhere.open(shut, "payee", *sealed[shut])


@pytest.mark.parametrize("forgets", ["this process", "another process"])
@pytest.mark.parametrize("left", ["index", "print"])
def test_somebody_erased_after_they_were_sealed_for_is_not_found_by_what_comes_then(
    vault: Vault, elsewhere: Vault, forgets: str, left: str
) -> None:
    person = uuid4()
    vault.seal(person, "payee", FIELDS)
    vault.note(person, [("name", "李试验")])
    vault.flush()
    (vault if forgets == "this process" else elsewhere).forget(person)
    if left == "index":
        vault.note(person, [("phone", "13900000000")])
    else:
        kept = SealedPrint(person, uuid4(), b"image", "strokes 1", b"sealed")
        vault._keys.prints.add(kept, [1, 2])

    with pytest.raises(KeyMadeElsewhere):
        vault.flush()

    vault.flush()  # nothing of it waits any more
    assert vault.noted("name", "李试验") == vault.noted("phone", "13900000000") == set()
    assert not vault.has_print(person, b"image".hex(), "strokes 1")


def test_by_what_an_erased_person_could_still_be_found_is_gone_when_a_vault_is_opened(
    vault: Vault, path: Path
) -> None:
    erased, other = uuid4(), uuid4()
    for person in (erased, other):
        vault.seal(person, "payee", FIELDS)
        vault.note(person, [("name", "李试验")])
    vault.flush()
    with sqlite3.connect(path) as left:
        left.execute("UPDATE person_keys SET wrapped = NULL WHERE subject = ?", (erased.bytes,))
    left.close()

    again = Vault(path, MASTER, INDEX)

    assert again.noted("name", "李试验") == {other}
    again.close()
