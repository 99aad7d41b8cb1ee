"""Account statements in XML, such as ISO 20022 camt.053."""

import re
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from typing import NoReturn
from xml.etree.ElementTree import Element

from ledger.evidence.canonical import canonical_json
from ledger.files.account_statement import AccountStatement, StatementEntry
from ledger.files.amounts import day, fen, whole_number
from ledger.files.bank_formats.elements import first, parse, without_namespace
from ledger.files.bank_formats.template import Paths, XmlEntries, XmlStatement
from ledger.files.faults import refuse
from ledger.files.statement_days import StatedDays, behind_balance, covered_days
from ledger.files.text import number_text, person_name

DAY_LENGTH = 10


def read(
    bank_format: str, wanted: XmlStatement, name: str, data: bytes, stated: StatedDays
) -> AccountStatement:
    """Read the one statement of a document."""
    root = parse(name, data, "utf-8")
    without_namespace(name, root, wanted.namespace, wanted.root)
    found = root.findall(wanted.statement)
    if not found:
        raise refuse(name, "bank_file.line_invalid", column=wanted.statement)
    if len(found) > 1:
        raise refuse(name, "bank_file.several_statements")
    return _Reader(bank_format, wanted, name, found[0]).read(sha256(data).hexdigest(), stated)


class _Reader:
    """One statement of one document."""

    def __init__(
        self, bank_format: str, wanted: XmlStatement, name: str, statement: Element
    ) -> None:
        self._format = bank_format
        self._wanted = wanted
        self._name = name
        self._statement = statement
        self._currency = self._text(statement, wanted.currency)

    def read(self, digest: str, stated: StatedDays) -> AccountStatement:
        wanted, statement = self._wanted, self._statement
        entries = tuple(
            self._entry(at, element)
            for at, element in enumerate(statement.findall(wanted.entries.row), 1)
            if first(element, wanted.entries.status) in wanted.entries.booked
        )
        opening, begins, kind = self._balance(wanted.balances.opening)
        closing, ends, _ = self._balance(wanted.balances.closing)
        moved = sum(entry.amount_fen for entry in entries)
        if opening + moved != closing:
            detail = f"{opening} + {moved} fen listed, {closing} fen stated"
            raise refuse(self._name, "bank_file.control_total", detail=detail)
        self._check_counted(entries)
        opened = first(statement, wanted.opened_on)
        closed = first(statement, wanted.closed_on)
        if kind in wanted.balances.before:
            begins = behind_balance(begins, ends, entries)
        days = covered_days(
            self._name,
            entries,
            said=StatedDays(
                self._day(opened) if opened else None, self._day(closed) if closed else ends
            ),
            stated=stated,
            seeming=(begins, ends),
            may_widen=True,
        )
        if days.first > days.last:
            self._refuse(None, "FrToDt")
        return AccountStatement(
            bank_format=self._format,
            account_number=number_text(self._text(statement, wanted.account)),
            currency=self._currency,
            number=first(statement, wanted.number),
            opened_on=days.first,
            closed_on=days.last,
            opening_fen=opening,
            closing_fen=closing,
            entries=entries,
            sha256=digest,
            days_stated=days.stated,
            own_first=days.own_first,
        )

    def _check_counted(self, entries: Sequence[StatementEntry]) -> None:
        """Hold the entries against the count and the sum that a bank adds."""
        listed = {
            "count": len(entries),
            "total": sum(abs(entry.amount_fen) for entry in entries),
        }
        for word, paths in self._wanted.counted.items():
            text = first(self._statement, paths)
            stated = None if text is None else (whole_number if word == "count" else fen)(text)
            if text is not None and stated != listed[word]:
                detail = f"{listed[word]} listed"
                raise refuse(self._name, "bank_file.control_total", column=word, detail=detail)

    def _balance(self, kinds: Sequence[str]) -> tuple[int, date, str]:
        """Return the balance of the first of these kinds that the statement has, its day, which."""
        wanted = self._wanted.balances
        rows = self._statement.findall(wanted.row)
        for kind in kinds:
            found = [row for row in rows if first(row, wanted.kind) == kind]
            if len(found) > 1:
                self._refuse(None, kind)
            if found:
                amount = self._amount(None, found[0], wanted.amount, wanted.sign)
                return amount, self._day(self._text(found[0], wanted.day)), kind
        raise refuse(self._name, "bank_file.line_invalid", column=kinds[0])

    def _entry(self, at: int, element: Element) -> StatementEntry:
        wanted = self._wanted.entries
        if first(element, wanted.currency) not in (None, self._currency):
            self._refuse(at, "Ccy")
        details = element.findall(wanted.detail)
        only = details[0] if len(details) == 1 else None
        amount = self._amount(at, element, wanted.amount, wanted.sign)
        returned = self._returned(element, amount)
        counted = first(element, wanted.count)
        count = whole_number(counted) if counted else max(1, len(details))
        if not count or amount == 0:
            self._refuse(at, "Amt" if count else "NbOfTxs")
        end_to_end = first(only, wanted.end_to_end) if only is not None else None
        name, account = _other_side(only, wanted, paid=amount < 0 or returned)
        value_on = first(element, wanted.value_on)
        texts = [text for path in wanted.texts if (text := first(element, (path,)))]
        return StatementEntry(
            line=at,
            line_sha256=sha256(canonical_json(_plain(element))).hexdigest(),
            booked_on=self._day(self._text(element, wanted.booked_on, at)),
            value_on=self._day(value_on) if value_on else None,
            amount_fen=amount,
            counterparty_account=number_text(account) if account else None,
            counterparty_name=person_name(name) if name else None,
            end_to_end_id=None if end_to_end in wanted.not_given else end_to_end,
            reference=first(element, wanted.reference),
            batch_code=first(element, wanted.batch),
            count=count,
            text=" ".join(texts) or None,
            returned=returned,
        )

    def _returned(self, element: Element, amount: int) -> bool:
        """Say whether money came back: the bank gives a reason for it, a kind, or words."""
        wanted = self._wanted.entries
        said = [first(element, (path,)) or "" for path in (*wanted.texts, *wanted.family)]
        told = re.search(wanted.returned_words, " ".join(said))
        return amount > 0 and (told is not None or first(element, wanted.returned_at) is not None)

    def _amount(self, at: int | None, element: Element, paths: Paths, sign: Paths) -> int:
        amount = fen(self._text(element, paths, at))
        direction = self._text(element, sign, at)
        if amount is None or direction not in (self._wanted.credit, self._wanted.debit):
            self._refuse(at, "Amt")
        return amount if direction == self._wanted.credit else -amount

    def _day(self, text: str) -> date:
        """Read the day of a date, or of a time in the bank's own zone."""
        found = day(text[:DAY_LENGTH])
        if found is None:
            raise refuse(self._name, "date.invalid")
        return found

    def _text(self, element: Element, paths: Paths, at: int | None = None) -> str:
        text = first(element, paths)
        if text is None:
            raise refuse(self._name, "bank_file.line_invalid", row=at, column=paths[0])
        return text

    def _refuse(self, at: int | None, column: str) -> NoReturn:
        raise refuse(self._name, "bank_file.line_invalid", row=at, column=column)


def _other_side(
    detail: Element | None, wanted: XmlEntries, *, paid: bool
) -> tuple[str | None, str | None]:
    """Return name and account of the other side: whom we paid, or who paid us.

    What came back still names those whom the first payment named.
    """
    if detail is None:
        return None, None
    payee = first(detail, wanted.payee_name), first(detail, wanted.payee_account)
    payer = first(detail, wanted.payer_name), first(detail, wanted.payer_account)
    return payee if paid and any(payee) else payer if not paid or any(payer) else payee


def _plain(element: Element) -> list[object]:
    """Return an element as JSON can say it, so that it has one hash."""
    text = (element.text or "").strip()
    return [element.tag, dict(element.attrib), text, [_plain(each) for each in element]]
