"""A book of accounts as plain text, in the form that hledger or that beancount reads.

Both are given the same accounts by the same names, so what one adds up can be held against the
other. Amounts are exact decimals of yuan. At its end the book says what each account holds, as the
ledger's own sums have it: either program refuses the whole file where its lines come to anything
else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from itertools import islice
from typing import Protocol

from ledger.domain.values import Money, yuan_text

ENTRIES_AT_ONCE = 500
COMMODITY = "CNY"
"""What beancount calls yuan: it wants capital letters. hledger is given the sign ¥."""

NOT_HAN = re.compile("[^A-Za-z0-9㐀-䶿一-鿿豈-﫿]+")
BEGINS_A_NAME = re.compile("[A-Z0-9]")
NOT_IN_REMARKS = re.compile(r"[\x00-\x1f\x7f,;|\"\\]+")


class Dialect(Enum):
    """Whose form it is."""

    HLEDGER = "hledger"
    BEANCOUNT = "beancount"


@dataclass(frozen=True, slots=True)
class Opened:
    """An account, since when money moved in it, and what its name leaves out."""

    account: str
    since: str
    remarks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Posting:
    account: str
    amount_fen: int
    remarks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """What moved at once; its postings come to zero."""

    day: str
    words: str
    postings: Sequence[Posting]
    remarks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Book:
    """What is written. `entries` are read once, in order. `held` is what each account comes to."""

    title: str
    facts: Sequence[tuple[str, str]]
    opened: Sequence[Opened]
    entries: Iterable[Entry]
    held: Mapping[str, int]
    held_on: date


def lines(book: Book, dialect: Dialect) -> Iterator[bytes]:
    """Write a book, some hundred entries at a time."""
    form = FORMS[dialect]
    yield form.head(book).encode()
    entries = iter(book.entries)
    while run := list(islice(entries, ENTRIES_AT_ONCE)):
        yield "".join(map(form.entry, run)).encode()
    yield form.held(book).encode()


class Names:
    """Gives each thing one name as a part of an account's, which both programs read.

    A part begins with a capital letter or a digit and holds letters, digits and hyphens; what else
    stands in a name becomes a hyphen. Two things whose names come to the same are numbered.
    """

    def __init__(self) -> None:
        self._of: dict[object, str] = {}
        self._taken: set[str] = set()

    def of(self, thing: object, text: str) -> str:
        """Return the name of a thing, which is called so where it is named first."""
        if thing not in self._of:
            name = base = part(text)
            number = 1
            while name in self._taken:
                number += 1
                name = f"{base}-{number}"
            self._taken.add(name)
            self._of[thing] = name
        return self._of[thing]


def part(text: str) -> str:
    """Write a text as a part of an account's name."""
    name = NOT_HAN.sub("-", text).strip("-") or "0"
    return name if BEGINS_A_NAME.match(name) else f"N-{name}"


class _Form(Protocol):
    def head(self, book: Book) -> str: ...
    def entry(self, entry: Entry) -> str: ...
    def held(self, book: Book) -> str: ...


class _Hledger:
    """The journal form of hledger, version 1.25 and later."""

    def head(self, book: Book) -> str:
        facts = "".join(f"; {name}: {_remark(value)}\n" for name, value in book.facts)
        opened = "".join(
            f"account {each.account}  ; {_tags(each.remarks)}\n" for each in book.opened
        )
        return f"; {_remark(book.title)}\n{facts}\ncommodity ¥1000.00\n\n{opened}\n"

    def entry(self, entry: Entry) -> str:
        postings = "".join(
            f"    {each.account}  ¥{yuan_text(Money(each.amount_fen))}"
            f"{'  ; ' + _tags(each.remarks) if each.remarks else ''}\n"
            for each in entry.postings
        )
        return f"{entry.day} * {entry.words}  ; {_tags(entry.remarks)}\n{postings}\n"

    def held(self, book: Book) -> str:
        postings = "".join(
            f"    {account}  ¥0.00 = ¥{yuan_text(Money(fen))}\n"
            for account, fen in book.held.items()
        )
        return f"{book.held_on.isoformat()} * 账本余额\n{postings}" if postings else ""


class _Beancount:
    """The form of beancount, version 3."""

    def head(self, book: Book) -> str:
        facts = "".join(f"; {name}: {_remark(value)}\n" for name, value in book.facts)
        opened = "".join(
            f"{each.since} open {each.account} {COMMODITY}\n{_fields(each.remarks, 2)}"
            for each in book.opened
        )
        options = f'option "title" "{_remark(book.title)}"\n'
        options += f'option "operating_currency" "{COMMODITY}"\n'
        return f"{facts}\n{options}\n{opened}\n"

    def entry(self, entry: Entry) -> str:
        postings = "".join(
            f"  {each.account}  {yuan_text(Money(each.amount_fen))} {COMMODITY}\n"
            f"{_fields(each.remarks, 4)}"
            for each in entry.postings
        )
        return f'{entry.day} * "{entry.words}"\n{_fields(entry.remarks, 2)}{postings}\n'

    def held(self, book: Book) -> str:
        day = book.held_on.isoformat()
        return "".join(
            # Of its own accord it would let a fen pass.
            f"{day} balance {account}  {yuan_text(Money(fen))} ~ 0 {COMMODITY}\n"
            for account, fen in book.held.items()
        )


FORMS: Mapping[Dialect, _Form] = {Dialect.HLEDGER: _Hledger(), Dialect.BEANCOUNT: _Beancount()}


def _remark(text: str) -> str:
    """Keep what ends a remark, or a text between quotes, from doing so."""
    return NOT_IN_REMARKS.sub(" ", text).strip()


def _tags(remarks: Mapping[str, str]) -> str:
    return ", ".join(f"{name}:{_remark(value)}" for name, value in remarks.items())


def _fields(remarks: Mapping[str, str], indent: int) -> str:
    return "".join(f'{" " * indent}{name}: "{_remark(value)}"\n' for name, value in remarks.items())
