"""Sealing and opening: only the right person, purpose, key and bytes open what was sealed."""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.vault.keys import MasterKeyWrong, VaultUnreadable
from ledger.vault.vault import KEY_BYTES, SealBroken, Vault

MASTER, INDEX = os.urandom(KEY_BYTES), os.urandom(KEY_BYTES)
FIELDS = {"name": "张试验", "reason": "虚构的原因", "phone": "13800000000"}
PERSON = UUID("5b3a0a35-7f0f-8c4d-9a53-1b0a52a6c0de")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.sqlite"


@pytest.fixture
def vault(path: Path) -> Iterator[Vault]:
    vault = Vault(path, MASTER, INDEX)
    yield vault
    vault.close()


def test_what_was_sealed_opens_again_in_another_process(vault: Vault, path: Path) -> None:
    ciphertext, commitment = vault.seal(PERSON, "payee", FIELDS)
    vault.flush()
    vault.close()

    opened = Vault(path, MASTER, INDEX)

    assert opened.open(PERSON, "payee", ciphertext, commitment) == FIELDS
    opened.close()


def test_the_commitment_is_the_hash_of_a_salted_plaintext_so_equal_data_does_not_show(
    vault: Vault,
) -> None:
    first = vault.seal(PERSON, "payee", FIELDS)
    second = vault.seal(PERSON, "payee", FIELDS)

    assert first[0] != second[0]
    assert first[1] != second[1]


@pytest.mark.parametrize("place", [0, 11, 12, 20, -1])
def test_an_altered_byte_of_the_ciphertext_does_not_open(vault: Vault, place: int) -> None:
    ciphertext, commitment = vault.seal(PERSON, "payee", FIELDS)
    altered = bytearray(b64decode(ciphertext))
    altered[place] ^= 1

    with pytest.raises(SealBroken):
        vault.open(PERSON, "payee", b64encode(altered).decode(), commitment)


def test_a_seal_moved_to_another_person_purpose_or_commitment_does_not_open(vault: Vault) -> None:
    other = uuid4()
    ciphertext, commitment = vault.seal(PERSON, "payee", FIELDS)
    _, others = vault.seal(other, "payee", FIELDS)

    for person, purpose, promise in (
        (other, "payee", commitment),
        (PERSON, "archive file", commitment),
        (PERSON, "payee", others),
        (uuid4(), "payee", commitment),
    ):
        with pytest.raises(SealBroken):
            vault.open(person, purpose, ciphertext, promise)


@given(st.text(max_size=60))
def test_what_is_no_ciphertext_is_refused_and_not_a_crash(text: str) -> None:
    vault = Vault(Path(":memory:"), MASTER, INDEX)
    vault.seal(PERSON, "payee", FIELDS)

    with pytest.raises(SealBroken):
        vault.open(PERSON, "payee", text, "")
    vault.close()


def test_another_master_key_is_refused_when_the_vault_is_opened(vault: Vault, path: Path) -> None:
    vault.close()

    with pytest.raises(MasterKeyWrong) as refused:
        Vault(path, os.urandom(KEY_BYTES), INDEX)

    assert refused.value.code == "vault.master_key_wrong"


def test_a_file_that_is_no_vault_is_refused(path: Path) -> None:
    path.write_bytes(os.urandom(8192))

    with pytest.raises(VaultUnreadable):
        Vault(path, MASTER, INDEX)


def test_names_for_people_are_stable_keyed_and_separate_by_kind(vault: Vault) -> None:
    same = Vault(Path(":memory:"), os.urandom(KEY_BYTES), INDEX)
    other_key = Vault(Path(":memory:"), MASTER, os.urandom(KEY_BYTES))

    person = vault.subject_id("id_number", "11010519491231002X")

    assert person == same.subject_id("id_number", "11010519491231002X")
    assert person != other_key.subject_id("id_number", "11010519491231002X")
    assert person.version == 8
    assert vault.index("card", "1") == same.index("card", "1") != vault.index("phone", "1")
    assert vault.index("card", "12") != vault.index("card1", "2")
    assert vault.index("card", "1") != other_key.index("card", "1")
    same.close()
    other_key.close()


def test_no_repr_and_no_refusal_shows_a_secret_or_what_was_sealed(vault: Vault, path: Path) -> None:
    ciphertext, _ = vault.seal(PERSON, "payee", FIELDS)
    vault.flush()
    with pytest.raises(SealBroken) as refused:
        vault.open(PERSON, "payee", ciphertext, "00")

    shown = repr(vault) + str(vault) + repr(refused.value) + str(refused.value)
    stored = b"".join(file.read_bytes() for file in path.parent.iterdir())

    for secret in (MASTER.hex(), INDEX.hex(), repr(MASTER), *FIELDS.values()):
        assert secret not in shown
        assert secret.encode() not in stored
    assert MASTER not in stored
    assert INDEX not in stored
