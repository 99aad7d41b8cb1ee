"""OpenSSL verifies what we sign, and we what it signs; `securesystemslib` opens our envelopes."""

import json
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined] # it re-exports

from ledger.evidence import sm2
from ledger.evidence.envelope import PAYLOAD_TYPE, decode, pae
from ledger.evidence.keys import Algorithm
from ledger.evidence.note import NoteKey, split_note
from ledger.evidence.tlog_tiles import read_bundle
from ledger.store.key_files import write_key_file
from ledger.store.service_signers import service_signer
from tests.interop.conftest import Carried
from tests.interop.peers import nuanzhang, program, run

pytestmark = pytest.mark.interop


def first_envelope(carried: Carried) -> bytes:
    return read_bundle((carried.folder / "tile/entries/000").read_bytes())[0]


def test_openssl_verifies_a_stored_signature(carried: Carried, tmp_path: Path) -> None:
    envelope = decode(first_envelope(carried))
    key = Ed25519PublicKey.from_public_bytes(NoteKey.from_vkey(carried.vkey).public_key.raw)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "signed").write_bytes(pae(PAYLOAD_TYPE, envelope.payload))
    (tmp_path / "sig").write_bytes(envelope.signatures[0].sig)
    (tmp_path / "altered").write_bytes(pae(PAYLOAD_TYPE, envelope.payload + b" "))

    def verified(message: str) -> int:
        words = ("pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "key.pem", "-rawin")
        files = ("-in", tmp_path / message, "-sigfile", tmp_path / "sig")
        return run(program("openssl"), *words, *files).returncode

    assert verified("signed") == 0
    assert verified("altered") != 0


def test_securesystemslib_opens_our_envelopes(carried: Carried) -> None:
    key = NoteKey.from_vkey(carried.vkey).public_key
    peer_key = SSlibKey(key.key_id, "ed25519", "ed25519", {"public": key.raw.hex()})
    for envelope in read_bundle((carried.folder / "tile/entries/000").read_bytes())[:20]:
        members = json.loads(envelope)
        members["signatures"] = [
            each for each in members["signatures"] if each["keyid"] == key.key_id
        ]
        opened = Envelope.from_dict(members)
        opened.verify([peer_key], 1)
        assert opened.payload == b64decode(members["payload"])


def sm2_pem(openssl: str, tmp_path: Path) -> tuple[bytes, bytes]:
    """Have OpenSSL make an SM2 key; return private and public key raw."""
    run(openssl, "genpkey", "-algorithm", "SM2", "-out", tmp_path / "sm2.pem")
    run(openssl, "pkey", "-in", tmp_path / "sm2.pem", "-pubout", "-out", tmp_path / "pub.pem")
    shown = run(openssl, "pkey", "-in", tmp_path / "sm2.pem", "-text", "-noout").stdout
    private, public = shown.split("priv:")[1].split("pub:")
    digits = "".join(private.split()).replace(":", "")
    point = "".join(public.split("ASN1")[0].split()).replace(":", "")
    return bytes.fromhex(digits)[-32:].rjust(32, b"\0"), bytes.fromhex(point)


def test_sm2_agrees_with_openssl_both_ways(tmp_path: Path) -> None:
    openssl = program("openssl")
    private, public = sm2_pem(openssl, tmp_path)
    (tmp_path / "message").write_bytes(b"relief funds")
    options = ("-rawin", "-digest", "sm3", "-pkeyopt", f"distid:{sm2.ID.decode()}")
    signed = run(
        openssl,
        "pkeyutl",
        "-sign",
        "-inkey",
        tmp_path / "sm2.pem",
        *options,
        "-in",
        tmp_path / "message",
        "-out",
        tmp_path / "theirs",
    )
    assert signed.returncode == 0, signed.stderr

    assert sm2.public_key(private) == public
    r, s = decode_dss_signature((tmp_path / "theirs").read_bytes())
    theirs = r.to_bytes(32) + s.to_bytes(32)
    sm2.verify(public, theirs, b"relief funds")
    with pytest.raises(InvalidSignature):
        sm2.verify(public, theirs, b"relief fund")
    ours = sm2.sign(private, b"relief funds")
    halves = (int.from_bytes(ours[:32]), int.from_bytes(ours[32:]))
    (tmp_path / "ours").write_bytes(encode_dss_signature(*halves))
    verified = run(
        openssl,
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        tmp_path / "pub.pem",
        *options,
        "-in",
        tmp_path / "message",
        "-sigfile",
        tmp_path / "ours",
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.SM2_SM3])
def test_openssl_opens_our_key_files(tmp_path: Path, algorithm: Algorithm) -> None:
    path, words = tmp_path / "officer.pem", "twelve words or more"
    made = write_key_file(path, algorithm, words).public_key

    def opened(passphrase: str) -> tuple[int, str]:
        options = ("-in", path, "-passin", f"pass:{passphrase}", "-pubout", "-text_pub")
        ran = run(program("openssl"), "pkey", *options)
        return ran.returncode, "".join(ran.stdout.split()).replace(":", "")

    status, shown = opened(words)
    assert (status, made.raw.hex() in shown) == (0, True)
    assert opened("another one") == (1, "")


def test_openssl_verifies_an_sm2_checkpoint(tmp_path: Path) -> None:
    nuanzhang(tmp_path / "data", "init")
    nuanzhang(tmp_path / "data", "key", "rotate", "--reason", "x", "--algorithm", "sm2-sm3")
    nuanzhang(tmp_path / "data", "publish", tmp_path / "log")
    note = (tmp_path / "log" / "checkpoint").read_text()
    [line] = split_note(note)[1]
    shown = json.loads(nuanzhang(tmp_path / "data", "key", "list", "--json"))
    assert [each["algorithm"] for each in shown] == ["ed25519", "sm2-sm3"]
    key = service_signer((tmp_path / "data/keys/service.key").read_text(), "key").public_key
    (tmp_path / "text").write_text(split_note(note)[0])
    halves = (int.from_bytes(line.signature[:32]), int.from_bytes(line.signature[32:]))
    (tmp_path / "sig").write_bytes(encode_dss_signature(*halves))
    # SubjectPublicKeyInfo of id-ecPublicKey on the curve sm2p256v1, then the point.
    head = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200")
    (tmp_path / "pub.der").write_bytes(head + key.raw)

    ran = run(
        *(program("openssl"), "pkeyutl", "-verify", "-pubin", "-keyform", "DER"),
        *("-inkey", tmp_path / "pub.der", "-rawin", "-digest", "sm3"),
        *("-pkeyopt", f"distid:{sm2.ID.decode()}"),
        *("-in", tmp_path / "text", "-sigfile", tmp_path / "sig"),
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
