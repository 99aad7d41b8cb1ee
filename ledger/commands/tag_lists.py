"""Hands the province tags of all who were paid in a period; the log holds the list's hash."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
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
from ledger.domain.recipient import Recipient
from ledger.domain.tag_list import TagLists, TagPeriodBackwards, tag_lists_id
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.files.tag_lists import FORMAT, SALT_DIGITS, Draw, Drawn, TagList, TagRow, standing
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, NotOnRecord, Work
from ledger.vault.keys import PersonErased
from ledger.vault.province_key import ProvinceKey, recipient_id, seal_for

PAYMENTS_AT_ONCE = 500

OF_DRAWS = frozenset({FundAccount.Drawn.TOPIC, FundAccount.Restored.TOPIC})
OF_PEOPLE = frozenset(
    {Recipient.Restricted.TOPIC, Recipient.RestrictionLifted.TOPIC, Recipient.Erased.TOPIC}
)


class DoubtsOfOthers(LedgerError):
    """The province's answer is about a list that this ledger never handed over."""

    code = "tag_list.doubts_of_others"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("this is the part of another ledger, or about a list it never made")


class TagsOvertaken(LedgerError):
    """The log went on while the list was made, in what the list says; over and over again."""

    code = "tag_list.overtaken"
    kind = Kind.CONFLICT

    def __init__(self) -> None:
        super().__init__("payments kept being recorded while the list was made; make it again")


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


class _Payment(NamedTuple):
    """What a row says of a payment that no draw changes."""

    person_id: UUID
    campaign: str
    category: str


class Accounts(NamedTuple):
    """All fund accounts of a log, when it had so many events."""

    fund_ids: Sequence[UUID]
    known_to: int


@dataclass(frozen=True, slots=True)
class MadeTags:
    """A list that is made and not on record yet: its sealed file, and what the log is to say of it.

    It stands as of `known_to` entries, with all accounts as of `accounts_known_to`.
    """

    sealed: bytes
    facts: Mapping[str, object]
    known_to: int
    accounts_known_to: int


class TagMaking:
    """Makes the list of a period, over again where it was overtaken: nobody is tagged twice.

    A tag costs milliseconds on purpose, and a ledger goes on while a hundred thousand are made.
    """

    def __init__(self, ledger: Ledger, order: TagOrder, key: ProvinceKey) -> None:
        """Begin a list.

        Raises:
            TagPeriodBackwards, ProvinceKeyUnreadable: As they say.
        """
        if order.until < order.since:
            raise TagPeriodBackwards(order.since, order.until)
        seal_for(order.recipient, b"")  # whoever wrote it wrong need not wait for the tags
        self._ledger = ledger
        self._order = order
        self._key = key
        self._known_to: int | None = None
        self._versions: dict[UUID, int] = {}
        self._draws: list[Draw] = []
        self._payments: dict[str, _Payment] = {}
        self._tags: dict[UUID, str] = {}
        self._campaigns: dict[UUID, str] = {}

    def make(self, accounts: Accounts) -> MadeTags:
        """Make the list as of now; only what came since the last time is read and tagged.

        Args:
            accounts: The province holds the list against all of them.
        """
        known_to, order = self._ledger.size(), self._order
        self._forget_who_changed(known_to)
        self._read_draws(accounts.fund_ids)
        drawn = standing(self._draws, order.since, order.until)
        self._read_payments(sorted(drawn.keys() - self._payments.keys()))
        rows = tuple(self._row(id_, of) for id_, of in sorted(drawn.items()))
        salt = secrets.token_hex(SALT_DIGITS // 2)
        key, origin = self._key.name, self._ledger.origin
        content = TagList(FORMAT, origin, key, order.since, order.until, salt, rows).content()
        facts: dict[str, object] = {
            "since": order.since,
            "until": order.until,
            "key_name": key,
            "recipient": recipient_id(order.recipient),
            "list_sha256": sha256(content).hexdigest(),
            "known_to": known_to,
            "count": len(rows),
            "untagged": sum(not row.tag for row in rows),
            "amount_fen": Money(sum(row.amount_fen for row in rows)),
        }
        return MadeTags(seal_for(order.recipient, content), facts, known_to, accounts.known_to)

    def _forget_who_changed(self, known_to: int) -> None:
        """Look again at whoever was erased or restricted, or is no longer, since the last time."""
        if self._known_to is not None:
            heads = self._ledger.log.select_heads(self._known_to, known_to)
            for person in {stream for _, stream, _, topic in heads if topic in OF_PEOPLE}:
                self._tags.pop(person, None)
            self._payments = {
                id_: each for id_, each in self._payments.items() if each.person_id in self._tags
            }
        self._known_to = known_to

    def _read_draws(self, fund_ids: Iterable[UUID]) -> None:
        for fund in fund_ids:
            for event in self._ledger.events.get(fund, gt=self._versions.get(fund)):
                self._versions[fund] = event.originator_version
                if isinstance(event, FundAccount.Drawn | FundAccount.Restored):
                    sign = 1 if isinstance(event, FundAccount.Drawn) else -1
                    id_, fen = str(event.disbursement_id), sign * event.amount_fen
                    self._draws.append(Draw(id_, fen, event.happened_on))

    def _read_payments(self, ids: Sequence[str]) -> None:
        """Read what is paid to whom, and tag who is new, some hundred at a time."""
        ledger, tags = self._ledger, self._tags
        for at in range(0, len(ids), PAYMENTS_AT_ONCE):
            some = [UUID(each) for each in ids[at : at + PAYMENTS_AT_ONCE]]
            payments = ledger.glance_all(Disbursement, some)
            ledger.vault.keep_all({each.person_id for each in payments.values()})
            new = {each.person_id: each for each in payments.values() if each.person_id not in tags}
            numbers = {person: _id_number(ledger, each) for person, each in new.items()}
            known = {person: number for person, number in numbers.items() if number}
            made = self._key.tags(list(known.values()), self._order.period)
            tags |= dict.fromkeys(new, "") | dict(zip(known, made, strict=True))
            for id_, each in payments.items():
                campaign = _campaign_of(ledger, each.campaign_id, self._campaigns)
                self._payments[str(id_)] = _Payment(each.person_id, campaign, each.category)

    def _row(self, id_: str, of: Drawn) -> TagRow:
        payment = self._payments[id_]
        tag = self._tags[payment.person_id]
        return TagRow(id_, tag, of.amount_fen, of.first_on, payment.campaign, payment.category)


def hand_over_tags(ledger: Ledger, act: CommandAct, made: MadeTags) -> Answer:
    """Put a list on record; what it leaves out by now is found before anything is written.

    Args:
        ledger: Whose payments.
        act: Who has it made, and when.
        made: The list; its file lies where it is wanted once this has returned.

    Raises:
        TagsOvertaken: Money was drawn or came back since, or somebody was erased or restricted.
    """

    def decide(work: Work) -> None:
        if _overtaken(ledger, made):
            raise TagsOvertaken
        lists = work.find(TagLists, tag_lists_id())
        if lists is None:
            lists = TagLists.first(act, **made.facts)
        else:
            lists.hand_over(act, **made.facts)
        work.save(lists)
        work.result.update(count=made.facts["count"], untagged=made.facts["untagged"])

    return ledger.perform(act, "tag_list.hand_over", made.facts, decide)


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


def _overtaken(ledger: Ledger, made: MadeTags) -> bool:
    """Say whether anything came since that a list made now would say."""
    since = min(made.known_to, made.accounts_known_to)
    heads = ledger.log.select_heads(since, ledger.size())
    return any(
        topic == FundAccount.Opened.TOPIC
        or (topic in OF_DRAWS | OF_PEOPLE and position >= made.known_to)
        for position, _, _, topic in heads
    )


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
