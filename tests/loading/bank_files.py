"""Writes what a bank says of an account, in three formats that banks send."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from xml.sax.saxutils import escape


@dataclass(frozen=True)
class Booked:
    """One line; `amount` in fen, money out below zero. `batch`: the reference names a batch."""

    day: date
    amount: int
    reference: str = ""
    text: str = ""
    batch: bool = False
    count: int = 1


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def write_statement(
    bank_format: str,
    account: str,
    first: date,
    last: date,
    opening: int,
    lines: Sequence[Booked],
) -> bytes:
    """Write the statement of some days; lines in the order of their days."""
    write = {"statement-list": _listed, "mt940": _mt940, "camt-053": _camt}[bank_format]
    return write(account, first, last, opening, lines)


def _listed(account: str, first: date, last: date, opening: int, lines: Sequence[Booked]) -> bytes:
    out = io.StringIO()
    rows: list[list[object]] = [
        ["账号：", account, "", "币种：", "人民币"],
        [f"起始日期：{first}", "", "", f"截止日期：{last}"],
        ["交易时间", "支出金额", "收入金额", "余额", "摘要", "交易流水号", "业务编号"],
    ]
    balance = opening
    for number, line in enumerate(lines, 1):
        balance += line.amount
        out_of, into = max(-line.amount, 0), max(line.amount, 0)
        rows.append(
            [
                f"{line.day} 09:30:00",
                yuan(out_of) if out_of else "",
                yuan(into) if into else "-",
                yuan(balance),
                line.text,
                f"L{line.day:%m%d}{number}",
                line.reference,
            ]
        )
    rows.append(["本页合计", yuan(-sum(each.amount for each in lines if each.amount < 0))])
    csv.writer(out).writerows(rows)
    return out.getvalue().encode("gb18030")


def _mt940(account: str, first: date, last: date, opening: int, lines: Sequence[Booked]) -> bytes:
    closing, before = opening + sum(each.amount for each in lines), first - timedelta(days=1)
    said = [":20:S1", f":25:{account}", ":28C:1/1", f":60F:C{before:%y%m%d}CNY{_comma(opening)}"]
    for number, line in enumerate(lines, 1):
        sign = "D" if line.amount < 0 else "C"
        kind = "NRTI" if line.text == "退票" else "NTRF"
        said.append(
            f":61:{line.day:%y%m%d%m%d}{sign}{_comma(abs(line.amount))}{kind}NONREF//L{number}"
        )
        named = f"/EREF/{line.reference}" if line.reference else ""
        said.append(f":86:{named}/{line.text}")
    said.append(f":62F:C{last:%y%m%d}CNY{_comma(closing)}")
    return "".join(f"{each}\r\n" for each in [*said, "-"]).encode("gb18030")


def _camt(account: str, first: date, last: date, opening: int, lines: Sequence[Booked]) -> bytes:
    closing = opening + sum(each.amount for each in lines)
    balances = "".join(
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{_amount(held)}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>\n"
        for kind, held, day in (("OPBD", opening, first), ("CLBD", closing, last))
    )
    entries = "".join(
        f"<Ntry>{_amount(line.amount)}<Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{line.day}</Dt></BookgDt><AcctSvcrRef>L{number}</AcctSvcrRef>"
        f"<NtryDtls>{_details(line)}</NtryDtls>"
        f"<AddtlNtryInf>{escape(line.text)}</AddtlNtryInf></Ntry>\n"
        for number, line in enumerate(lines, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<Stmt><Id>S-{first}</Id><FrToDt><FrDtTm>{first}T00:00:00+08:00</FrDtTm>"
        f"<ToDtTm>{last}T23:59:59+08:00</ToDtTm></FrToDt>"
        f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>CNY</Ccy></Acct>\n"
        f"{balances}{entries}</Stmt></BkToCstmrStmt></Document>\n"
    ).encode()


def _details(line: Booked) -> str:
    if line.batch:
        return f"<Btch><PmtInfId>{line.reference}</PmtInfId><NbOfTxs>{line.count}</NbOfTxs></Btch>"
    reference = line.reference or "NOTPROVIDED"
    returned = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if line.text == "退票" else ""
    return f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{returned}</TxDtls>"


def _amount(fen: int) -> str:
    sign = "DBIT" if fen < 0 else "CRDT"
    return f'<Amt Ccy="CNY">{yuan(abs(fen))}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'


def _comma(fen: int) -> str:
    return yuan(fen).replace(".", ",")
