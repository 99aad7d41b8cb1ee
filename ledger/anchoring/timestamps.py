"""RFC 3161 time-stamps on published checkpoints: that a checkpoint existed by a moment.

A witness says that a log only grew; a time-stamp authority says when, in a form that courts know.
"""

from collections.abc import Sequence
from datetime import datetime

import httpx2
from cryptography.x509 import Certificate
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from ledger.errors import Kind, LedgerError

REQUEST_TYPE, ANSWER_TYPE = "application/timestamp-query", "application/timestamp-reply"
ANSWER_BYTES_MAX = 64 * 1024
TIMEOUT_S = 20.0


class TimestampBroken(LedgerError):
    """The token does not show that this checkpoint existed at any moment."""

    code = "timestamp.broken"
    kind = Kind.BROKEN

    def __init__(self, cause: str) -> None:
        super().__init__(f"time-stamp: {cause}")


class AuthorityUnreachable(LedgerError):
    """The authority did not answer, or not with a time-stamp."""

    code = "timestamp.authority_unreachable"
    kind = Kind.CONFLICT

    def __init__(self, cause: str) -> None:
        super().__init__(f"time-stamp authority: {cause}")


def request_for(body: str) -> TimeStampRequest:
    """Return a request for a time-stamp on a checkpoint's text, with a nonce of its own.

    Source: RFC 3161, section 2.4.1; the imprint is SHA-256.
    """
    builder = TimestampRequestBuilder().data(body.encode()).hash_algorithm(HashAlgorithm.SHA256)
    return builder.nonce(nonce=True).cert_request(cert_request=True).build()


def verify_timestamp(
    body: str, token: bytes, roots: Sequence[Certificate], nonce: int | None = None
) -> datetime:
    """Check a time-stamp; return the moment that it tells.

    Args:
        body: The checkpoint's text.
        token: The authority's answer, DER.
        roots: Certificates that the authority's has to lead to, from elsewhere than the token.
        nonce: Of the request, where it is at hand; an answer to another request is then refused.

    Raises:
        TimestampBroken: It is none, of another text, by another authority, or another answer.

    Source: RFC 3161, section 2.4.2.
    """
    answer = _decoded(token)
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    if nonce is not None:
        builder = builder.nonce(nonce)
    try:
        if not builder.build().verify_message(answer, body.encode()):
            raise TimestampBroken("it does not verify")
    except (VerificationError, ValueError) as cause:
        raise TimestampBroken(str(cause)) from None
    return answer.tst_info.gen_time


def ask_authority(client: httpx2.Client, url: str, request: TimeStampRequest) -> bytes:
    """Have an authority answer a request over HTTP; return its answer, which is to be verified.

    Raises:
        AuthorityUnreachable: It did not.

    Source: RFC 3161, section 3.4.
    """
    headers = {"Content-Type": REQUEST_TYPE, "Accept": ANSWER_TYPE}
    try:
        with client.stream(
            "POST", url, content=request.as_bytes(), headers=headers, timeout=TIMEOUT_S
        ) as answer:
            content = b""
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > ANSWER_BYTES_MAX:
                    raise AuthorityUnreachable("its answer has no end")
            if answer.status_code != httpx2.codes.OK:
                raise AuthorityUnreachable(f"it answered with status {answer.status_code}")
    except (httpx2.HTTPError, httpx2.InvalidURL) as cause:
        raise AuthorityUnreachable(type(cause).__name__) from None
    return content


def _decoded(token: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(token)
    except ValueError:
        raise TimestampBroken("it cannot be read") from None
