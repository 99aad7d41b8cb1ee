"""Bank accounts of organisations, and which fund accounts' money stands in them."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from ledger.commands.duties import require_post
from ledger.commands.lineage import lineage
from ledger.commands.sealing import BANK_ACCOUNT, seal, unseal
from ledger.domain.bank_account import BankAccount, bank_account_id
from ledger.domain.fund import FundAccount, fund_id
from ledger.domain.officer import Role
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.values import Money
from ledger.errors import Kind, LedgerError
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work
from ledger.vault.masking import mask_card

ACCOUNT_KEEPERS = frozenset({Role.ACCOUNTANT, Role.APPROVER})
"""Who says which bank accounts there are: not the cashier, who pays out of them."""

NUMBER_DIGITS = range(5, 35)


class BankAccountKnown(LedgerError):
    """The account number is registered already."""

    code = "bank_account.known"
    kind = Kind.CONFLICT

    def __init__(self, account_id: UUID) -> None:
        super().__init__(f"this number is bank account {account_id} already")


class AccountNumberOdd(LedgerError):
    """A bank's account number is made of digits and letters."""

    code = "bank_account.number_odd"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("an account number has 5 to 34 digits or letters; blanks do not count")


class FundNotHere(LedgerError):
    """A bank account holds money of its organisation, and of those below it."""

    code = "bank_account.not_below"
    kind = Kind.INVALID

    def __init__(self, account_id: UUID, organisation_id: UUID) -> None:
        super().__init__(
            f"organisation {organisation_id} does not stand below that of account {account_id}"
        )


@dataclass(frozen=True, slots=True)
class AccountRegistration:
    """An account, from which day on it is reconciled, and what the bank says it held then."""

    organisation_code: str
    name: str
    number: str = field(repr=False)
    bank_name: str
    bank_format: str
    begins_on: date
    opening_fen: int


@dataclass(frozen=True, slots=True)
class Keeping:
    """A fund account whose money stands in a bank account."""

    account_id: UUID
    organisation_code: str
    earmark: str


def register_bank_account(ledger: Ledger, act: CommandAct, order: AccountRegistration) -> Answer:
    """Register a bank account; its number is sealed.

    Raises:
        BankAccountKnown, AccountNumberOdd, NotOnRecord: As they say.
    """
    number = account_number(order.number)
    if len(number) not in NUMBER_DIGITS or not number.isascii() or not number.isalnum():
        raise AccountNumberOdd

    def decide(work: Work) -> None:
        organisation = work.get(Organisation, organisation_id(order.organisation_code))
        require_post(work, act, ACCOUNT_KEEPERS, organisation.id)
        index = number_index(ledger, number)
        id_ = bank_account_id(index)
        if work.find(BankAccount, id_) is not None:
            raise BankAccountKnown(id_)
        said = {"card_number": number, "bank_name": order.bank_name}
        account = BankAccount.register(
            act,
            organisation_id=organisation.id,
            name=order.name,
            bank_format=order.bank_format,
            number_index=index,
            details=seal(work, account_subject(ledger, id_), BANK_ACCOUNT, said),
            begins_on=order.begins_on,
            opening=Money(order.opening_fen),
        )
        work.save(account)
        work.result["account_id"] = str(account.id)

    return ledger.perform(act, "bank_account.register", order, decide)


def keep_fund(ledger: Ledger, act: CommandAct, order: Keeping) -> Answer:
    """Say that a fund account's money stands in a bank account of its organisation or of one above.

    Raises:
        FundNotHere, FundKeptElsewhere, BankAccountClosed, NotOnRecord: As they say.
    """

    def decide(work: Work) -> None:
        account = work.get(BankAccount, order.account_id)
        require_post(work, act, ACCOUNT_KEEPERS, account.organisation_id)
        account.require_open()
        organisation = work.get(Organisation, organisation_id(order.organisation_code))
        if account.organisation_id not in lineage(work, organisation.id, act.happened_on):
            raise FundNotHere(account.id, organisation.id)
        fund = work.get(FundAccount, fund_id(organisation.id, order.earmark))
        fund.keep_at(act, bank_account_id=account.id)
        work.save(fund)
        work.result["fund_id"] = str(fund.id)

    return ledger.perform(act, "fund.keep_at", order, decide)


def close_bank_account(ledger: Ledger, act: CommandAct, account: UUID, reason: str) -> Answer:
    """Say that an account was closed; statements up to that day may still come.

    Raises:
        BankAccountClosed, NotOnRecord: As they say.
    """

    def decide(work: Work) -> None:
        closing = work.get(BankAccount, account)
        require_post(work, act, ACCOUNT_KEEPERS, closing.organisation_id)
        closing.close(act, reason=reason)
        work.save(closing)

    return ledger.perform(act, "bank_account.close", (account, reason), decide)


def shown_account(ledger: Ledger, account_id: UUID) -> tuple[str, str]:
    """Return an account's number as it is shown (its tail), and its bank."""
    account = ledger.load(BankAccount, account_id)
    if account is None:
        return "", ""
    said = unseal(ledger, account_subject(ledger, account_id), BANK_ACCOUNT, account.details)
    return mask_card(said.get("card_number", "")), said.get("bank_name", "")


def account_number(given: str) -> str:
    """Return a number as it is compared: banks and people put blanks and dashes into it."""
    return "".join(each for each in given if not each.isspace() and each != "-")


def number_index(ledger: Ledger, number: str) -> str:
    return ledger.vault.index("bank account", account_number(number))


def account_subject(ledger: Ledger, account_id: UUID) -> UUID:
    """Return under whose key an account's number stands, and what its statements say of others."""
    return ledger.vault.subject_id("bank account", str(account_id))
