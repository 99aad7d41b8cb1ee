"""What is printed to hang up or to hand out: posters and slips, set in type with QR codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import segno

from api.web import formats
from api.web.language import N_
from api.web.screen import TEMPLATES, Screen
from api.web.words import period_words
from ledger import typesetting
from ledger.commands.notices import PublicRow
from projections.notices import Notice

SLIPS_MAX = 400
"""In one file: what prints in a few minutes, and is set in a few seconds."""


@dataclass(frozen=True, slots=True)
class Hanging:
    """A notice with whose it is, for which campaign, and of which batch."""

    notice: Notice
    organisation: str
    campaign: str
    batch_code: str


def set_in_type(template: str, said: object, screen: Screen) -> bytes:
    """Fill one of the pages' Typst templates, dated as the page was asked for."""
    return typesetting.to_pdf(TEMPLATES / template, said, datetime.fromisoformat(screen.made_at))


def drawn(address: str) -> str:
    """Draw an address as a QR code, in SVG."""
    picture = BytesIO()
    segno.make(address, error="m").save(picture, kind="svg", border=2)
    return picture.getvalue().decode()


def poster(
    screen: Screen, hanging: Hanging, rows: Sequence[PublicRow], address: str, checkpoint: str
) -> dict[str, Any]:
    """Say what a notice's poster says: masked as its page is, and the code that leads there.

    Args:
        screen: Its language is the poster's.
        hanging: The notice.
        rows: Its list.
        address: Of its page.
        checkpoint: The signed note that the log stood under; its first lines are printed.
    """
    say, locale, notice = screen.language.say, screen.language.locale, hanging.notice
    total = sum(row.amount for row in rows)
    first = date.fromisoformat(notice.happened_on) + timedelta(days=1)
    period = say(
        N_("{period}，自 {first} 至 {last}"),
        period=period_words(screen.language, notice.period_days, notice.period_unit),
        first=formats.day(first, locale),
        last=formats.day(notice.last_day, locale),
    )
    facts = [
        (say(N_("单位")), hanging.organisation),
        (say(N_("活动")), hanging.campaign),
        (say(N_("公示期")), period),
        (say(N_("依据")), notice.source),
        (say(N_("张贴")), notice.place),
        (
            say(N_("合计")),
            say(N_("{n} 人，{amount}"), n=len(rows), amount=formats.yuan(total))
            + (f"（{formats.capital(total)}）" if locale == "zh_CN" else ""),
        ),
    ]
    origin, size, root = (*checkpoint.split("\n"), "", "", "")[:3]
    return {
        "lang": screen.language.code[:2],
        "title": say(N_("送温暖资金发放名单公示")),
        "lead": say(N_("现将下列名单予以公示，接受监督。")),
        "facts": facts,
        "columns": [
            say(N_("行")),
            say(N_("姓名")),
            say(N_("身份证号")),
            say(N_("类别")),
            say(N_("金额")),
        ],
        "rows": [
            [
                str(row.number),
                row.name or formats.NONE,
                row.id_number or formats.NONE,
                say(row.category),
                formats.yuan(row.amount),
            ]
            for row in rows
        ],
        "object": say(N_("提出异议")),
        "how": [
            say(
                N_(
                    "公示期内任何人都可以提出异议，可以不留姓名：扫右侧二维码填写，或向下列处所提出。"
                )
            ),
            notice.contact,
            say(N_("异议内容密封保存，由编制名单和发布公示以外的人答复。")),
            say(N_("名单已按规定遮盖：不含银行账号、联系电话和困难原因。")),
        ],
        "code": drawn(address),
        "address": address,
        "seal": say(N_("（单位盖章）")),
        "dated": formats.day(notice.happened_on, locale),
        "checkpoint": say(
            N_("账本检查点：{origin}，共 {size} 条，树根 {root}"),
            origin=origin,
            size=int(size) if size else size,
            root=root,
        ),
        "entry": say(N_("本次公示记于日志第 {n} 条。"), n=notice.position),
    }


@dataclass(frozen=True, slots=True)
class Slip:
    """A recipient's slip: the payment, masked, and the address of its receipt."""

    name: str
    who: str
    organisation: str
    campaign: str
    amount_fen: int
    happened_on: str
    channel: str
    address: str


def slips(screen: Screen, made: Sequence[Slip], left_out: int) -> dict[str, Any]:
    """Say what a batch's slips say.

    Args:
        screen: Its language is the slips'.
        made: The slips, in the order of the list.
        left_out: Of how many payments there is none, since nothing may be shown of their payees.
    """
    say, locale = screen.language.say, screen.language.locale
    note = say(N_("另有 {n} 人的信息已销毁或限制使用，不出凭据。"), n=left_out)
    return {
        "lang": screen.language.code[:2],
        "title": say(N_("领款凭据")),
        "scan": say(N_("扫码查看是否到账，并核验证明。凭此码只能看到这一笔，请妥善保管。")),
        "note": note if left_out else "",
        "slips": [
            {
                "name": each.name,
                "who": each.who,
                "amount": formats.yuan(each.amount_fen),
                "capital": formats.capital(each.amount_fen) if locale == "zh_CN" else "",
                "lines": [
                    each.organisation,
                    each.campaign,
                    f"{formats.day(each.happened_on, locale)} · {say(each.channel)}",
                ],
                "code": drawn(each.address),
            }
            for each in made
        ],
    }
