"""An act as it comes over HTTP: who, on which day, under which key, expecting what, signed how."""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Depends, Header, Request
from pydantic import Field

from api.callers import Caller, caller
from api.dependencies import served_to
from api.v1.forms import Form
from ledger.domain.values import CHINA
from ledger.errors import Kind, LedgerError
from ledger.evidence.envelope import PAYLOAD_TYPE, Signature, pae
from ledger.evidence.verify import is_moment
from ledger.store.act import CommandAct
from ledger.store.signing import PresentedSignature

PREPARED_FOR = timedelta(minutes=15)
AHEAD_MAX = timedelta(seconds=5)


class DayAhead(LedgerError):
    """What is recorded has happened."""

    code = "act.day_ahead"
    kind = Kind.INVALID

    def __init__(self, day: date, today: date) -> None:
        super().__init__(f"{day} is still to come, today is {today}")


class IfMatchUnreadable(LedgerError):
    """`If-Match` names one version, as `ETag` gave it."""

    code = "request.if_match"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__('If-Match is written "N", as the ETag that was answered')


class SignatureUnreadable(LedgerError):
    """What should be a signed payload is none."""

    code = "signature.unreadable"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("payload and signature are base64, as the preparation gave the payload")


class PreparedTooOld(LedgerError):
    """What was prepared is to be signed at once: its moment of recording stands in it."""

    code = "signature.prepared_too_old"
    kind = Kind.CONFLICT

    def __init__(self, recorded_at: str) -> None:
        super().__init__(f"it was prepared at {recorded_at}; prepare it again")


class PreparedForAnotherDay(LedgerError):
    """What is signed is done on the day of the signature: no other day's rules or posts count."""

    code = "signature.prepared_for_another_day"
    kind = Kind.CONFLICT

    def __init__(self, day: date, today: date) -> None:
        super().__init__(f"it is dated {day}, today is {today}; prepare it again")


class Signed(Form):
    """What the officer signed, and with which key: nothing that the server could make."""

    payload: str = Field(
        description="Base64 of the payload, as the preparation gave it.", max_length=200_000
    )
    key_id: str = Field(max_length=100, examples=["k1"])
    signature: str = Field(description="Base64, over the bytes in `to_sign`.", max_length=10_000)


class Prepared(Form):
    """What an officer is to sign. Nothing has been written; it is good for a quarter of an hour."""

    payload_type: str = Field(examples=[PAYLOAD_TYPE])
    payload: str = Field(description="Base64: the very bytes that would be stored.")
    to_sign: str = Field(description="Base64: the bytes to sign (DSSE's PAE).")


def prepared(payload: bytes) -> Prepared:
    return Prepared(
        payload_type=PAYLOAD_TYPE,
        payload=b64encode(payload).decode(),
        to_sign=b64encode(pae(PAYLOAD_TYPE, payload)).decode(),
    )


class _Moment(msgspec.Struct):
    recorded_at: str
    happened_on: date


@dataclass(frozen=True, slots=True)
class Acting:
    """Makes the act that a command is given."""

    caller: Caller
    today: date
    now: str
    key: str | None
    if_match: str | None

    def act(
        self,
        happened_on: date | None = None,
        *,
        stream: UUID | None = None,
        dry_run: bool = False,
    ) -> CommandAct:
        """Return the act, on a day that has come.

        Args:
            happened_on: The day it happened; today unless given.
            stream: What `If-Match` is about.
            dry_run: Whether only to try.

        Raises:
            DayAhead, IfMatchUnreadable: As they say.
        """
        day = happened_on or self.today
        if day > self.today:
            raise DayAhead(day, self.today)
        return CommandAct(
            str(self.caller.officer_id),
            day,
            self.now,
            self._own_key(),
            None,
            dry_run,
            signed_in=True,
            expected=self._expected(stream),
            dated=happened_on is not None,
        )

    def bare(self) -> CommandAct:
        """Return the act without its key, for what is done in pieces: each is safe to repeat."""
        return replace(self.act(), idempotency_key=None)

    def signed(
        self, signed: Signed, *, stream: UUID | None = None, any_day: bool = False
    ) -> CommandAct:
        """Return the act that was prepared, with the signature that was made of it.

        Args:
            signed: What was signed.
            stream: What `If-Match` is about.
            any_day: Whether it may be dated earlier: where its day is asked for, and no rules or
                funds of that day are.

        Raises:
            SignatureUnreadable: Payload or signature cannot be read.
            PreparedTooOld: It was prepared more than a quarter of an hour ago.
            PreparedForAnotherDay: It is dated otherwise than it was prepared.
            DayAhead, IfMatchUnreadable: As they say.
        """
        try:
            payload = b64decode(signed.payload, validate=True)
            signature = b64decode(signed.signature, validate=True)
            moment = msgspec.json.decode(payload, type=_Moment)
            recorded = datetime.fromisoformat(moment.recorded_at)
            now = datetime.fromisoformat(self.now)
            age = now - recorded
        except (binascii.Error, ValueError, TypeError, msgspec.MsgspecError):
            raise SignatureUnreadable from None
        # The officer's own program made these bytes. What a verifier would not read must not be
        # stored, even beside a refusal: the log would be broken for good.
        if not is_moment(moment.recorded_at):
            raise SignatureUnreadable
        if not -AHEAD_MAX <= age <= PREPARED_FOR:
            raise PreparedTooOld(recorded.isoformat())
        days = (self.today, recorded.astimezone(CHINA).date())
        if not any_day and moment.happened_on not in days:
            raise PreparedForAnotherDay(moment.happened_on, self.today)
        act = self.act(moment.happened_on, stream=stream)
        signer = PresentedSignature(payload, Signature(signed.key_id, signature), act.actor)
        return replace(act, recorded_at=moment.recorded_at, signer=signer, dated=False)

    def _own_key(self) -> str | None:
        """Keep officers' keys apart: one's key tells another nothing of what was answered."""
        return None if self.key is None else f"{self.caller.officer_id} {self.key}"

    def _expected(self, stream: UUID | None) -> tuple[UUID, int] | None:
        if self.if_match is None or stream is None:
            return None
        text = self.if_match.strip()
        number = text[1:-1]
        if text != f'"{number}"' or not number.isdecimal() or len(number) > 15:  # noqa: PLR2004
            raise IfMatchUnreadable
        return stream, int(number)


async def acting(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[!-~]+$",
            description="A repetition under the same key is answered as the first time.",
        ),
    ] = None,
    if_match: Annotated[
        str | None,
        Header(max_length=40, description="The ETag of what is changed: 412 if it has moved."),
    ] = None,
) -> Acting:
    found = served_to(request)
    clock = found.clock
    return Acting(await caller(request), clock.today(), clock.now(), idempotency_key, if_match)


TheActing = Annotated[Acting, Depends(acting)]
