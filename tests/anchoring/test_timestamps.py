"""Time-stamps by a real authority (OpenSSL's), and those that prove nothing."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography.x509 import Certificate, load_pem_x509_certificate
from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient

from ledger.anchoring.timestamps import (
    AuthorityUnreachable,
    TimestampBroken,
    ask_authority,
    request_for,
    verify_timestamp,
)

BODY = "city.example/relief\n7\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

CONFIG = """\
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[tsa]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa_config]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Authority:
    folder: Path

    @property
    def root(self) -> Certificate:
        return load_pem_x509_certificate((self.folder / "ca.pem").read_bytes())

    def answer(self, request: bytes) -> bytes:
        (self.folder / "request").write_bytes(request)
        openssl(
            self.folder,
            *("ts", "-reply", "-config", "config", "-section", "tsa_config"),
            *("-queryfile", "request", "-out", "answer"),
        )
        return (self.folder / "answer").read_bytes()


def openssl(folder: Path, *words: str) -> None:
    program = shutil.which("openssl")
    assert program, "openssl is not installed"
    ran = subprocess.run([program, *words], cwd=folder, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()


def authority(folder: Path, name: str = "relief tsa") -> Authority:
    folder.mkdir()
    (folder / "config").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("req", "-config", "config", "-newkey", "rsa:2048", "-nodes")
    openssl(
        folder,
        *new,
        *("-x509", "-extensions", "ca", "-subj", f"/CN={name} root", "-days", "30"),
        *("-keyout", "ca.key", "-out", "ca.pem"),
    )
    openssl(folder, *new, "-subj", f"/CN={name}", "-keyout", "tsa.key", "-out", "tsa.csr")
    openssl(
        folder,
        *("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30"),
        *("-CAcreateserial", "-extfile", "config", "-extensions", "tsa", "-out", "tsa.pem"),
    )
    return Authority(folder)


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tsa") / "a")


def test_a_time_stamp_tells_the_moment(tsa: Authority) -> None:
    request = request_for(BODY)

    token = tsa.answer(request.as_bytes())

    moment = verify_timestamp(BODY, token, [tsa.root], request.nonce)
    assert moment == verify_timestamp(BODY, token, [tsa.root])
    assert moment.year >= 2026


def test_a_time_stamp_of_another_text_is_refused(tsa: Authority) -> None:
    token = tsa.answer(request_for(BODY).as_bytes())

    with pytest.raises(TimestampBroken):
        verify_timestamp(BODY.replace("7", "8", 1), token, [tsa.root])


def test_an_answer_to_another_request_is_refused(tsa: Authority) -> None:
    token = tsa.answer(request_for(BODY).as_bytes())

    with pytest.raises(TimestampBroken):
        verify_timestamp(BODY, token, [tsa.root], request_for(BODY).nonce)


def test_another_authority_is_not_believed(tsa: Authority, tmp_path: Path) -> None:
    other = authority(tmp_path / "b", "other")
    token = other.answer(request_for(BODY).as_bytes())

    with pytest.raises(TimestampBroken):
        verify_timestamp(BODY, token, [tsa.root])
    assert verify_timestamp(BODY, token, [tsa.root, other.root])


def test_an_altered_token_is_refused(tsa: Authority) -> None:
    token = tsa.answer(request_for(BODY).as_bytes())

    for at in range(len(token) - 300, len(token), 13):
        altered = token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]
        with pytest.raises(TimestampBroken):
            verify_timestamp(BODY, altered, [tsa.root])


@pytest.mark.parametrize("token", [b"", b"\x30\x00", b"hello", bytes(1000)])
def test_what_is_no_token_is_refused(tsa: Authority, token: bytes) -> None:
    with pytest.raises(TimestampBroken):
        verify_timestamp(BODY, token, [tsa.root])


def test_an_authority_is_asked_over_http(tsa: Authority) -> None:
    network = FastAPI()

    @network.post("/tsa")
    async def stamp(request: Request) -> Response:
        assert request.headers["content-type"] == "application/timestamp-query"
        return Response(tsa.answer(await request.body()), media_type="application/timestamp-reply")

    @network.post("/away")
    def away() -> Response:
        return Response(status_code=503)

    @network.post("/flood")
    def flood() -> Response:
        return Response(bytes(1_000_000))

    with TestClient(network) as client:
        request = request_for(BODY)
        token = ask_authority(client, "http://testserver/tsa", request)
        assert verify_timestamp(BODY, token, [tsa.root], request.nonce)
        for path in ("away", "flood", "nobody"):
            with pytest.raises(AuthorityUnreachable):
                ask_authority(client, f"http://testserver/{path}", request)
    with httpx2.Client() as nowhere, pytest.raises(AuthorityUnreachable):
        ask_authority(nowhere, "http://127.0.0.1:9/", request)
