"""The bank reconciliation statement on paper: both columns, boxes, checkpoint and code."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import segno

from api.web import formats
from api.web.language import N_, Language
from api.web.words import term
from projections.bank_accounts import Account
from projections.bank_balance import Balance
from projections.bank_lines import ItemView, LineView


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on it; `prepared` and `reviewed` are who and when, or nothing yet."""

    account: Account
    balance: Balance
    organisation: str
    bank: str
    prepared: str
    reviewed: str
    address: str
    checkpoint: str


def paper(language: Language, of: Paper) -> dict[str, Any]:
    """Say what the statement's paper says, in the language of whoever prints it."""
    say, figures = language.say, of.balance.figures
    lines, items = of.balance.lines, of.balance.items
    into = [each for each in lines if each.amount_fen > 0]
    out = [each for each in lines if each.amount_fen < 0]
    books_in = [each for each in items if each.amount_fen > 0]
    books_out = [each for each in items if each.amount_fen < 0]
    return {
        "lang": language.code[:2],
        "title": say(N_("银行存款余额调节表")),
        "facts": [
            (say(N_("单位")), of.organisation),
            (say(N_("银行账户")), f"{of.account.name} {of.bank}"),
            (say(N_("截至日期")), formats.day(of.balance.as_of, language.locale)),
        ],
        "sides": [
            {
                "begin": (say(N_("单位账面余额")), formats.yuan(figures.books_fen)),
                "parts": [
                    _part(language, N_("加：银行已收、单位未收"), figures.bank_in_fen, into),
                    _part(language, N_("减：银行已付、单位未付"), figures.bank_out_fen, out),
                ],
                "foot": (say(N_("调节后余额")), formats.yuan(figures.books_foot)),
            },
            {
                "begin": (say(N_("银行对账单余额")), formats.yuan(figures.bank_fen)),
                "parts": [
                    _part(language, N_("加：单位已收、银行未收"), figures.books_in_fen, books_in),
                    _part(language, N_("减：单位已付、银行未付"), figures.books_out_fen, books_out),
                ],
                "foot": (say(N_("调节后余额")), formats.yuan(figures.bank_foot)),
            },
        ],
        "difference": (
            ""
            if not of.balance.difference_fen
            else say(
                N_("两侧相差 {amount}，未能调平。"),
                amount=formats.yuan(of.balance.difference_fen),
            )
        ),
        "more": (
            say(
                N_("共 {all} 项，此处列出 {n} 项，合计包括全部。"),
                all=figures.count,
                n=of.balance.listed,
            )
            if figures.count > of.balance.listed
            else ""
        ),
        "boxes": [
            (say(N_("编制人")), of.prepared),
            (say(N_("复核人")), of.reviewed),
        ],
        "none": say(N_("无")),
        "checkpoint": of.checkpoint,
        "address": of.address,
        "code": _code(of.address),
    }


def _part(
    language: Language, title: str, total: int, rows: Sequence[LineView | ItemView]
) -> dict[str, Any]:
    return {
        "title": language.say(title),
        "total": formats.yuan(total),
        "rows": [
            (
                formats.day(each.booked_on, language.locale),
                what_of(language, each),
                formats.yuan(abs(each.amount_fen)),
            )
            for each in rows
        ],
    }


def what_of(language: Language, each: LineView | ItemView) -> str:
    """Say in a few words what a difference is: references alone, nobody's name."""
    if isinstance(each, LineView):
        named = each.batch_code or each.end_to_end_id or each.document or each.reference or ""
        state = "" if each.state in ("open", "matched") else term(language, "bank_line", each.state)
        return " ".join(word for word in (named, state, each.reason or "") if word)
    named = each.batch_code or each.document or ""
    row = "" if each.number is None else f"-{each.number}"
    return f"{term(language, 'item', each.kind)} {named}{row}"


def _code(address: str) -> str:
    drawn = BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", border=1)
    return drawn.getvalue().decode()
