"""What a bank line says of others: shown masked, and compared with whom a payment is for."""

import re
from dataclasses import dataclass
from uuid import UUID

from ledger.commands.sealing import BANK_LINE, PAYEE, unseal
from ledger.domain.bank_statement import BankStatement
from ledger.domain.disbursement import Disbursement
from ledger.domain.matching_rules import Fact
from ledger.store.application import Ledger
from ledger.vault.keys import PersonErased, PersonRestricted
from ledger.vault.masking import mask_card, mask_name

BODY = re.compile(r"公司|银行|工会|委员会|财政|中心|基金|协会|学校|医院|[局厅部院所厂]$")
"""What the names of bodies hold: these are nobody's personal data, and are shown whole."""

BODY_LENGTH_MIN = 5


@dataclass(frozen=True, slots=True)
class Counterparty:
    """Whom a line names, as it may be shown."""

    name: str | None
    account: str | None
    text: str | None = None


NOBODY = Counterparty(None, None)


def counterparty_of(ledger: Ledger, position: int) -> Counterparty:
    """Return whom the line at a position of the log names, masked; nobody, where none may know."""
    said = _said(ledger, position)
    name, account = said.get("name", ""), said.get("card_number", "")
    body = len(name) >= BODY_LENGTH_MIN and BODY.search(name) is not None
    return Counterparty(
        (name if body else mask_name(name)) if name else None,
        mask_card(account) if account else None,
    )


def personal_facts(ledger: Ledger, position: int, disbursement_id: UUID | None) -> set[Fact]:
    """Return what a line and a payment's recipient have in common: the account, the name."""
    payment = ledger.load(Disbursement, disbursement_id) if disbursement_id else None
    said = _said(ledger, position)
    if payment is None or not said:
        return set()
    try:
        payee = unseal(ledger, payment.person_id, PAYEE, payment.payee)
    except (PersonErased, PersonRestricted):
        return set()
    facts = set()
    if said.get("card_number") and said["card_number"] == payee.get("card_number"):
        facts.add(Fact.ACCOUNT)
    if said.get("name") and said["name"] == payee.get("name"):
        facts.add(Fact.NAME)
    return facts


def people_named(ledger: Ledger, position: int) -> set[UUID]:
    """Return who has the account that a line names."""
    account = _said(ledger, position).get("card_number")
    return ledger.vault.noted("card_number", account) if account else set()


def _said(ledger: Ledger, position: int) -> dict[str, str]:
    [(_, event)] = ledger.read(position, 1)
    if not isinstance(event, BankStatement.LineTaken):
        return {}
    try:
        return unseal(ledger, event.subject_id, BANK_LINE, event.details)
    except (PersonErased, PersonRestricted):
        return {}
