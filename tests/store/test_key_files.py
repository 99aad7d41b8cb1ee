"""Key files: read again by us and by others, and by nobody without the passphrase."""

from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.evidence.keys import Algorithm, signer_from_seed, verify
from ledger.store.key_files import (
    KeyFileTaken,
    KeyFileUnreadable,
    PassphraseShort,
    read_key_file,
    write_key_file,
)
from ledger.store.pkcs8 import (
    BEGIN,
    END,
    decrypted_pem,
    encrypted_pem,
    private_key_info,
    read_private_key_info,
)

WORDS = "春风送暖 twelve words"
SEED = bytes(range(1, 33))
OTHERS_READ = [each for each in Algorithm if each is not Algorithm.SM2_SM3]
"""`cryptography` knows no SM2; that OpenSSL reads ours stands in tests/interop."""


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_key_file_opens_with_its_passphrase_alone(tmp_path: Path, algorithm: Algorithm) -> None:
    path = tmp_path / "officer.pem"
    made = write_key_file(path, algorithm, WORDS)

    opened = read_key_file(path, WORDS)

    assert opened.public_key == made.public_key
    verify(made.public_key, b"message", opened.sign(b"message"))
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(KeyFileUnreadable) as refused:
        read_key_file(path, WORDS + "!")
    assert WORDS not in str(refused.value)


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "officer.pem"
    write_key_file(path, Algorithm.ED25519, WORDS)
    before = path.read_bytes()

    with pytest.raises(KeyFileTaken):
        write_key_file(path, Algorithm.ED25519, WORDS)
    with pytest.raises(PassphraseShort):
        write_key_file(tmp_path / "other.pem", Algorithm.ED25519, "eleven char")

    assert path.read_bytes() == before
    assert not (tmp_path / "other.pem").exists()


@pytest.mark.parametrize("algorithm", OTHERS_READ)
def test_others_read_what_we_write(algorithm: Algorithm) -> None:
    ours = signer_from_seed(algorithm, SEED)
    pem = encrypted_pem(algorithm, SEED, WORDS).encode()

    clear = load_der_private_key(private_key_info(algorithm, SEED), None)
    sealed = load_pem_private_key(pem, WORDS.encode())

    for theirs in (clear, sealed):
        assert theirs.public_key().public_bytes_raw() == ours.public_key.raw  # type: ignore[union-attr]


@pytest.mark.parametrize("algorithm", Algorithm)
def test_a_private_key_has_one_form(algorithm: Algorithm) -> None:
    written = private_key_info(algorithm, SEED)

    assert read_private_key_info(written) == (algorithm, SEED)
    for other in (written + b"\0", written[:-1], written[1:], b"", b"\x31" + written[1:]):
        with pytest.raises(ValueError):
            read_private_key_info(other)


def test_an_sm2_key_whose_public_half_is_another_is_refused() -> None:
    written = bytearray(private_key_info(Algorithm.SM2_SM3, SEED))
    written[-1] ^= 1

    with pytest.raises(ValueError):
        read_private_key_info(bytes(written))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
@example(12, 1)  # the tag of what is sealed
def test_an_altered_file_gives_no_other_key_of_the_same_name(at: int, flip: int) -> None:
    pem = encrypted_pem(Algorithm.SM2_SM3, SEED, WORDS)
    raw = bytearray(b64decode(pem.removeprefix(BEGIN).strip().removesuffix(END)))
    # Not in the costs: to make those dear is all that an alteration there can do.
    at = 80 + at % (len(raw) - 80)
    raw[at] ^= flip
    altered = f"{BEGIN}\n{b64encode(bytes(raw)).decode()}\n{END}\n"

    with pytest.raises(ValueError):
        decrypted_pem(altered, WORDS)


@pytest.mark.parametrize(
    "text",
    ["", BEGIN, f"{BEGIN}\n{END}", f"{BEGIN}\nAAAA\n{END}", "not a key", f"{BEGIN}\nMA==\n{END}"],
)
def test_what_is_no_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "officer.pem"
    path.write_text(text)

    with pytest.raises(KeyFileUnreadable):
        read_key_file(path, WORDS)
    with pytest.raises(KeyFileUnreadable):
        read_key_file(tmp_path / "missing.pem", WORDS)
