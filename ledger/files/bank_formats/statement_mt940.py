"""Account statements as SWIFT MT940, read by the mt-940 package."""

import logging
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

import mt940.models
import mt940.options
import mt940.tags

from ledger.files.account_statement import AccountStatement, StatementEntry
from ledger.files.bank_formats.template import Mt940Statement
from ledger.files.faults import refuse
from ledger.files.statement_days import StatedDays, behind_balance, covered_days
from ledger.files.text import number_text, person_name

# The package writes each field that it cannot read into the program's log: with names and accounts.
_SAID = logging.getLogger(mt940.__name__)
_SAID.addHandler(logging.NullHandler())
_SAID.propagate = False

LINES_MAX = 400_000
LINE_LENGTH_MAX = 1000
_ONCE = ("25", "60F", "62F")
_FIELD = re.compile(r"^:([0-9]{2}[A-Z]?):", re.MULTILINE)
_NOT_GIVEN = frozenset({"", "NONREF", "NOTPROVIDED"})
_ENVELOPE = re.compile(r"\A\{1:.*?\{4:\s*", re.DOTALL)
_FAILURES = (RuntimeError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError)
"""What the package raises on fields that are none; it has no error of its own."""


class _Place(NamedTuple):
    """Where an entry stands, and how: with what field 86 says of it."""

    line: int
    text: str


def read(
    bank_format: str, wanted: Mt940Statement, name: str, data: bytes, stated: StatedDays
) -> AccountStatement:
    """Read one statement; its pages (28C with a sequence) may follow one another in the file.

    Field 60F repeats 62F of the statement before, with its day: this one begins on the next.

    Source: SWIFT User Handbook, category 9, MT 940, field 60a (usage rules).
    """
    text = _text(wanted, name, data)
    places = _places(text)
    parsed = mt940.models.Transactions(
        tags={61: mt940.tags.StatementGLS()},
        options=mt940.options.Options.all(),
    )
    try:
        parsed.parse(text)
        said: dict[str, Any] = parsed.data
        rows: Sequence[Any] = [each.data for each in parsed.transactions if "amount" in each.data]
    except _FAILURES:
        raise refuse(name, "bank_file.line_invalid") from None
    if len(rows) != len(places):
        raise refuse(name, "bank_file.line_invalid", column="61")
    opening = _balance(name, said, "final_opening_balance")
    closing = _balance(name, said, "final_closing_balance")
    entries = tuple(
        _entry(wanted, name, place, row, opening[2])
        for place, row in zip(places, rows, strict=True)
    )
    moved = sum(entry.amount_fen for entry in entries)
    if opening[0] + moved != closing[0] or opening[2] != closing[2]:
        detail = f"{opening[0]} + {moved} fen listed, {closing[0]} fen stated"
        raise refuse(name, "bank_file.control_total", detail=detail)
    begins = behind_balance(opening[1], closing[1], entries)
    days = covered_days(
        name,
        entries,
        said=StatedDays(last=closing[1]),
        stated=stated,
        seeming=(begins, closing[1]),
    )
    number = said.get("statement_number")
    return AccountStatement(
        bank_format=bank_format,
        account_number=number_text(str(said.get("account_identification") or "")),
        currency=opening[2],
        number=str(number) if number else None,
        opened_on=days.first,
        closed_on=days.last,
        opening_fen=opening[0],
        closing_fen=closing[0],
        entries=entries,
        sha256=sha256(data).hexdigest(),
        days_stated=days.stated,
    )


def _places(text: str) -> list[_Place]:
    places = []
    line, counted = 1, 0
    fields = [*_FIELD.finditer(text)]
    for at, match in enumerate(fields):
        if match[1] != "61":
            continue
        line += text.count("\n", counted, match.start())
        counted = match.start()
        behind = next((each for each in fields[at + 1 : at + 3] if each[1] != "86"), None)
        places.append(_Place(line, text[match.start() : behind.start() if behind else None]))
    return places


def _text(wanted: Mt940Statement, name: str, data: bytes) -> str:
    """Decode, and check that it is one statement: several would be added into one."""
    for charset in ("utf-8-sig", wanted.charset):
        try:
            text = data.decode(charset)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise refuse(name, "file.not_text")
    text = _ENVELOPE.sub("", text.replace("\r\n", "\n"), count=1)
    lines = text.split("\n")
    longest = max(map(len, lines))
    if len(lines) > LINES_MAX or longest > LINE_LENGTH_MAX or "\r" in text:
        raise refuse(name, "file.too_large" if len(lines) > LINES_MAX else "bank_file.line_invalid")
    fields = _FIELD.findall(text)
    if not re.search(wanted.looks, text[:400]):
        raise refuse(name, "bank_file.other_format")
    accounts = {line for line in lines if line.startswith(":25:")}
    if len(accounts) > 1 or any(fields.count(each) > 1 for each in _ONCE[1:]):
        raise refuse(name, "bank_file.several_statements")
    for each in _ONCE:
        if each not in fields:
            raise refuse(name, "bank_file.truncated", column=each)
    return text


def _entry(
    wanted: Mt940Statement, name: str, place: _Place, row: dict[str, Any], currency: str
) -> StatementEntry:
    line = place.line
    amount = _fen(row["amount"].amount)
    if amount is None or amount == 0 or row["amount"].currency != currency:
        raise refuse(name, "bank_file.line_invalid", row=line, column="61")
    given = str(row.get("customer_reference") or "").strip()
    details = str(row.get("transaction_details") or "")
    words = " ".join(filter(None, (str(row.get("extra_details") or ""), details)))
    kind = str(row.get("id") or "")
    told = kind in wanted.returned_types or re.search(wanted.returned_words, words) is not None
    account, payee = _found(wanted.payee_account, details), _found(wanted.payee_name, details)
    reference = str(row.get("bank_reference") or "").strip()
    value_on, booked_on = _date(row.get("date")), _date(row.get("entry_date"))
    if booked_on is None and value_on is None:
        raise refuse(name, "date.invalid", row=line, column="61")
    return StatementEntry(
        line=line,
        line_sha256=sha256(place.text.encode()).hexdigest(),
        booked_on=booked_on or value_on or date.min,
        value_on=value_on,
        amount_fen=amount,
        counterparty_account=number_text(account) if account else None,
        counterparty_name=person_name(payee) if payee else None,
        end_to_end_id=_found(wanted.end_to_end, details)
        or (None if given in _NOT_GIVEN else given),
        reference=reference or None,
        batch_code=None,
        count=1,
        text=" ".join(words.split()) or None,
        returned=amount > 0 and told,
    )


def _balance(name: str, said: dict[str, Any], key: str) -> tuple[int, date, str]:
    balance: Any = said.get(key)
    if balance is not None and balance.amount is not None:
        amount, on = _fen(balance.amount.amount), _date(balance.date)
        if amount is not None and on is not None:
            return amount, on, str(balance.amount.currency)
    raise refuse(name, "bank_file.line_invalid", column=key)


def _fen(amount: Decimal) -> int | None:
    hundredths = amount * 100
    return int(hundredths) if hundredths == hundredths.to_integral_value() else None


def _date(value: Any) -> date | None:
    return date(value.year, value.month, value.day) if isinstance(value, date) else None


def _found(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text)
    return match[1].strip() if match else None
