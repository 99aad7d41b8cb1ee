"""Hands the province tags of all who were paid in a period; the log holds the list's hash."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from ledger.commands.sealing import PAYEE, unseal
from ledger.commands.searching import masked_payee
from ledger.domain.campaign import Campaign
from ledger.domain.disbursement import Disbursement
from ledger.domain.fund import FundAccount
from ledger.domain.tag_list import TagLists, TagPeriodBackwards, tag_lists_id
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.files.tag_lists import FORMAT, SALT_DIGITS, Draw, Drawn, TagList, TagRow, standing
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, NotOnRecord, Work
from ledger.vault.keys import PersonErased
from ledger.vault.province_key import ProvinceKey, recipient_id, seal_for

PAYMENTS_AT_ONCE = 500


class DoubtsOfOthers(LedgerError):
    """The province's answer is about a list that this ledger never handed over."""

    code = "tag_list.doubts_of_others"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("this is the part of another ledger, or about a list it never made")


class TagsOvertaken(LedgerError):
    """Money was drawn or came back while the list was made, so it would leave that out."""

    code = "tag_list.overtaken"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("payments were recorded while the list was made; make it again")


@dataclass(frozen=True, slots=True)
class TagOrder:
    """Payments from a day to a day, and the public half of the key that the list is sealed for."""

    since: date
    until: date
    recipient: str

    @property
    def period(self) -> str:
        return f"{self.since}/{self.until}"


@dataclass(frozen=True, slots=True)
class OwnPayment:
    """A payment as its own city may look at it: batch and row, and the payee masked."""

    payment_id: UUID
    batch_id: UUID
    number: int
    amount_fen: Money
    payee: dict[str, str]


class Accounts(NamedTuple):
    """All fund accounts of a log, when it had so many events."""

    fund_ids: Sequence[UUID]
    known_to: int


def hand_over_tags(
    ledger: Ledger, act: CommandAct, order: TagOrder, accounts: Accounts, key: ProvinceKey
) -> tuple[Answer, bytes]:
    """Make the list of a period and put it on record; return the sealed file with the answer.

    Args:
        ledger: Whose payments.
        act: Who has it made, and when.
        order: Of which period, for whom.
        accounts: The province holds the list against all of them.
        key: The province key, in the edition that all cities use.

    Raises:
        TagPeriodBackwards, ProvinceKeyUnreadable, TagsOvertaken: As they say; nothing is written.
    """
    if order.until < order.since:
        raise TagPeriodBackwards(order.since, order.until)
    known_to, funds = ledger.size(), accounts.fund_ids
    versions = _versions(ledger, funds)
    drawn = standing(_draws(ledger, versions), order.since, order.until)
    rows = tuple(sorted(_rows(ledger, drawn, key, order.period), key=lambda row: row.payment_id))
    salt = secrets.token_hex(SALT_DIGITS // 2)
    content = TagList(
        FORMAT, ledger.origin, key.name, order.since, order.until, salt, rows
    ).content()
    sealed = seal_for(order.recipient, content)
    facts: dict[str, object] = {
        "since": order.since,
        "until": order.until,
        "key_name": key.name,
        "recipient": recipient_id(order.recipient),
        "list_sha256": sha256(content).hexdigest(),
        "known_to": known_to,
        "count": len(rows),
        "untagged": sum(not row.tag for row in rows),
        "amount_fen": Money(sum(row.amount_fen for row in rows)),
    }

    def decide(work: Work) -> None:
        if _versions(ledger, funds) != versions or _opened_since(ledger, accounts.known_to):
            raise TagsOvertaken
        lists = work.find(TagLists, tag_lists_id())
        if lists is None:
            lists = TagLists.first(act, **facts)
        else:
            lists.hand_over(act, **facts)
        work.save(lists)
        work.result.update(count=facts["count"], untagged=facts["untagged"])

    return ledger.perform(act, "tag_list.hand_over", facts, decide), sealed


def own_payments(ledger: Ledger, list_sha256: str, ids: Iterable[UUID]) -> dict[UUID, OwnPayment]:
    """Return payments that the province's answer to a list names.

    Raises:
        DoubtsOfOthers: This ledger never made that list.
        NotOnRecord: There is no such payment, so the answer was altered.
    """
    lists = ledger.load(TagLists, tag_lists_id())
    if lists is None or list_sha256 not in lists.sha256s:
        raise DoubtsOfOthers
    wanted = list(ids)
    payments = ledger.glance_all(Disbursement, wanted)
    found = {}
    for id_ in wanted:
        payment = payments.get(id_)
        if payment is None:
            raise NotOnRecord("payment", id_)
        _, payee = masked_payee(ledger, payment.person_id, payment.payee)
        found[id_] = OwnPayment(id_, payment.batch_id, payment.number, payment.amount, payee)
    return found


def _versions(ledger: Ledger, funds: Iterable[UUID]) -> dict[UUID, int]:
    return {fund: len(ledger.log.select_stream_positions(fund)) for fund in funds}


def _opened_since(ledger: Ledger, known_to: int) -> bool:
    heads = ledger.log.select_heads(known_to, ledger.size())
    return any(topic == FundAccount.Opened.TOPIC for _, _, _, topic in heads)


def _draws(ledger: Ledger, versions: Mapping[UUID, int]) -> Iterator[Draw]:
    for fund, last in versions.items():
        for event in ledger.events.get(fund, lte=last):
            if isinstance(event, FundAccount.Drawn):
                yield Draw(str(event.disbursement_id), event.amount_fen, event.happened_on)
            elif isinstance(event, FundAccount.Restored):
                yield Draw(str(event.disbursement_id), -event.amount_fen, event.happened_on)


def _rows(
    ledger: Ledger, drawn: dict[str, Drawn], key: ProvinceKey, period: str
) -> Iterator[TagRow]:
    """Yield a row for each payment, tagged some hundred at a time."""
    tags: dict[UUID, str] = {}
    campaigns: dict[UUID, str] = {}
    ordered = sorted(drawn)
    for at in range(0, len(ordered), PAYMENTS_AT_ONCE):
        ids = ordered[at : at + PAYMENTS_AT_ONCE]
        payments = ledger.glance_all(Disbursement, [UUID(each) for each in ids])
        ledger.vault.keep_all({each.person_id for each in payments.values()})
        new = {each.person_id: each for each in payments.values() if each.person_id not in tags}
        numbers = {person: _id_number(ledger, each) for person, each in new.items()}
        known = {person: number for person, number in numbers.items() if number}
        tags |= dict.fromkeys(new, "")
        tags |= dict(zip(known, key.tags(list(known.values()), period), strict=True))
        for id_ in ids:
            payment = payments[UUID(id_)]
            campaign = _campaign_of(ledger, payment.campaign_id, campaigns)
            amount, first_on = drawn[id_]
            tag = tags[payment.person_id]
            yield TagRow(id_, tag, amount, first_on, campaign, payment.category)


def _id_number(ledger: Ledger, payment: Disbursement) -> str:
    try:
        payee = unseal(ledger, payment.person_id, PAYEE, payment.payee)
    except PersonErased:
        return ""
    return payee.get("id_number", "")


def _campaign_of(ledger: Ledger, id_: UUID, known: dict[UUID, str]) -> str:
    if id_ not in known:
        campaign = ledger.load(Campaign, id_)
        if campaign is None:
            raise NotOnRecord("campaign", id_)
        known[id_] = campaign.code
    return known[id_]
