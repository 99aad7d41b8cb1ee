"""Every endpoint, every post, at one's own organisation, below it and elsewhere.

The endpoints come from the routes themselves: one without a rule, or without a line in the table
below, fails.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from httpx2 import Response

from api.callers import May, Public
from api.sampling import universe_of
from ledger.anchoring.publications import announce
from ledger.commands import cases
from ledger.commands.bank_accounts import number_index
from ledger.commands.filings import HandingIn, hand_in
from ledger.commands.notices import Opening, Raising, open_notice, raise_objection
from ledger.commands.outside_lists import ListBrought, take_list
from ledger.commands.remittances import (
    Acquaintance,
    Sending,
    register_ledger,
    send_remittance,
)
from ledger.commands.samples import Plan, plan_sample
from ledger.domain.bank_account import bank_account_id
from ledger.domain.batch import batch_id
from ledger.domain.campaign import campaign_id
from ledger.domain.case import Extent, Subject, case_id
from ledger.domain.disbursement import disbursement_id
from ledger.domain.filing import filing_id
from ledger.domain.fund import fund_id
from ledger.domain.notice import DayUnit, Period, notice_id
from ledger.domain.officer import Role, officer_id
from ledger.domain.organisation import organisation_id
from ledger.domain.outside_list import ListKind, list_id
from ledger.domain.policy import policy_id
from ledger.domain.sample import Condition, Method
from ledger.files.outside_lists import OutsideFile
from projections.allocations import allocation_list
from projections.bank_accounts import statement_list
from projections.flows import appropriations
from projections.remittances import remittance_list
from projections.runner import catch_up
from projections.samples import sample_list
from tests.api.service import EARLY, TODAY, Service, service_at
from tests.api.test_campaign_over_http import roster_csv
from tests.commands.banking import BEGINS, Bank, entry, statement
from tests.world import CAMPAIGN, EARMARK, POLICY, RECORDED_AT, Person, roster_row

OWN, BELOW, ELSEWHERE = "X01", "X01-01", "X02"
PLACES = (OWN, BELOW, ELSEWHERE)
CHILD = {OWN: BELOW, BELOW: "X01-01-1", ELSEWHERE: "X02-01"}
REFUSED_FOR_POST = {"access.post_missing"}
REFUSED_FOR_PLACE = {"access.outside_reach", "duty.role_missing"}


@dataclass(frozen=True)
class Place:
    """What stands at an organisation, for requests to be about."""

    code: str
    ids: dict[str, str]
    people: int


@dataclass(frozen=True)
class Asked:
    """A request about a place. `bound`: it is about that organisation, so elsewhere it is refused.

    `below` says whether a post above is enough: it is, but where only a hand's own may act.
    """

    path: str = ""
    body: Callable[[Place], Any] | None = None
    form: Callable[[Place], tuple[dict[str, str], dict[str, tuple[str, bytes]]]] | None = None
    bound: bool = True


def form_of(**fields: str) -> Callable[[Place], tuple[dict[str, str], dict[str, Any]]]:
    """Return what a page's form sends, under a key of its own."""
    return lambda _: ({"key": uuid4().hex, **fields}, {})


def outside_list(place: Place) -> tuple[dict[str, str], dict[str, Any]]:
    told = {
        "key": uuid4().hex,
        "organisation_code": place.code,
        "kind": ListKind.REAL_ESTATE.value,
        "source": "不动产登记中心",
        "listed_on": TODAY.isoformat(),
    }
    return told, {"file": ("l.csv", "身份证号码\n".encode())}


def post(place: Place) -> dict[str, str]:
    return {"organisation_id": place.ids["organisation"], "role": "经办"}


def signed(_: Place) -> dict[str, str]:
    said = {"data": {}, "happened_on": TODAY.isoformat(), "recorded_at": RECORDED_AT}
    payload = json.dumps(said, separators=(",", ":")).encode()  # as an event's, sorted
    return {"payload": b64encode(payload).decode(), "key_id": "k", "signature": "AAAA"}


def allocation(place: Place) -> dict[str, Any]:
    return {
        "from_code": place.code,
        "to_code": CHILD[place.code],
        "earmark": EARMARK,
        "document": "下拨1号",
        "amount_fen": 100,
    }


NEIGHBOUR = {"key_id": "cd" * 16, "origin": "neighbour.test/log", "name": "邻市"}


def remittance(place: Place) -> dict[str, Any]:
    return {
        "from_code": place.code,
        "earmark": EARMARK,
        "to_key_id": "ab" * 16,
        "to_code": "C01",
        "document": "跨市1号",
        "amount_fen": 100,
    }


def sheet(_: Place) -> dict[str, Any]:
    row = {
        "number": 1,
        "signer_name": "某某",
        "signed_at": "2017-01-20T10:00:00",
        "image_sha256": "ab" * 32,
    }
    return {"sheet_sha256": "cd" * 32, "rows": [row]}


def notice_form(batch: str) -> dict[str, Any]:
    return {
        "batch_id": batch,
        "period_days": 5,
        "place": "公告栏",
        "contact": "工会办公室",
        "source": "公示办法",
        "confidence": "stated",
    }


def drawn(_: Place) -> dict[str, Any]:
    return {
        "number": 9,
        "signer_name": "某某",
        "own_hand": True,
        "strokes": [],
        "witness_id": NOBODYS,
        "device": "d",
        "started_at": "2017-01-20T10:00:00+08:00",
        "ended_at": "2017-01-20T10:00:01+08:00",
    }


POLICY_FORM = {
    "code": "p-2",
    "title": "方案",
    "effective_from": "2017-01-01",
    "categories": [
        {
            "name": "一线职工",
            "channel": "签字表",
            "archive_required": False,
            "source": "方案",
            "confidence": "certain",
        }
    ],
}
CAMPAIGN_FORM = {
    "code": "c-2",
    "name": "两节",
    "starts_on": "2017-01-01",
    "ends_on": "2017-02-01",
    "fiscal_year": 2017,
    "policy_code": POLICY,
}

FILES = ("", ".xlsx", ".csv", ".pdf")
"""Where a page can be taken away, how the addresses of its files end."""

NOBODYS = str(uuid4())
LISTED = ListKind.VEHICLES
NO_SCAN = ("s.png", b"")
KEY = b64encode(bytes(31) + b"\x07").decode()

ASKED: dict[str, Asked] = {
    "GET /v1/session": Asked(bound=False),
    "POST /v1/session": Asked(
        body=lambda _: {"staff_number": "NOBODY", "password": "x"}, bound=False
    ),
    "POST /v1/session/demo": Asked(bound=False),
    "POST /v1/session/invitation": Asked(
        body=lambda _: {"code": "none", "password": "long enough it is"}, bound=False
    ),
    "POST /v1/session/passkey": Asked(body=lambda _: {"credential": {}}, bound=False),
    "POST /v1/session/passkey/options": Asked(bound=False),
    "POST /v1/session/presence": Asked(body=lambda _: {"password": "x"}, bound=False),
    "DELETE /v1/session": Asked(bound=False),
    "DELETE /v1/sessions": Asked(bound=False),
    "POST /v1/passkeys": Asked(body=lambda _: {"credential": {}}, bound=False),
    "POST /v1/passkeys/options": Asked(bound=False),
    "GET /v1/passkeys": Asked(bound=False),
    "DELETE /v1/passkeys/{passkey_id}": Asked("0" * 16, bound=False),
    "GET /v1/sessions": Asked(bound=False),
    "GET /v1/tokens": Asked(bound=False),
    "POST /v1/tokens": Asked(body=lambda _: {"label": "t"}, bound=False),
    "DELETE /v1/tokens/{token_id}": Asked("none", bound=False),
    "GET /v1/access-journal": Asked(bound=False),
    "GET /v1/officers": Asked(bound=False),
    "POST /v1/officers": Asked(
        body=lambda p: {"staff_number": f"N-{uuid4().hex[:8]}", "name": p.code}, bound=False
    ),
    "GET /v1/officers/{officer_id}": Asked("{officer}", bound=False),
    "POST /v1/officers/{officer_id}/posts/preparation": Asked("{officer}", post),
    "POST /v1/officers/{officer_id}/posts": Asked(
        "{officer}", lambda p: {"post": post(p), "signed": signed(p)}
    ),
    "POST /v1/officers/{officer_id}/post-endings": Asked(
        "{officer}", lambda p: {"organisation_id": p.ids["organisation"], "role": "经办"}
    ),
    "POST /v1/officers/{officer_id}/invitations": Asked("{approver}"),
    "POST /v1/officers/{officer_id}/sign-outs": Asked("{approver}"),
    "POST /v1/officers/{officer_id}/key-proofs": Asked(
        "{me}", lambda _: {"algorithm": "ed25519", "public_key": KEY}, bound=False
    ),
    "POST /v1/officers/{officer_id}/keys": Asked(
        "{me}",
        lambda _: {"algorithm": "ed25519", "public_key": KEY, "proof": "AAAA"},
        bound=False,
    ),
    "POST /v1/officers/{officer_id}/keys/{key_id}/confirmation/preparation": Asked(
        "{approver} none"
    ),
    "POST /v1/officers/{officer_id}/keys/{key_id}/confirmation": Asked(
        "{approver} none", lambda p: {"signed": signed(p)}
    ),
    "POST /v1/officers/{officer_id}/keys/{key_id}/ending": Asked(
        "{me} none", lambda _: {"reason": "遗失"}, bound=False
    ),
    "GET /v1/organisations": Asked(bound=False),
    "POST /v1/organisations": Asked(
        body=lambda p: {
            "code": f"N-{uuid4().hex[:8]}",
            "name": "新",
            "kind": "基层",
            "parent_code": p.code,
        }
    ),
    "GET /v1/organisations/{organisation_id}": Asked("{organisation}", bound=False),
    "POST /v1/organisations/{organisation_id}/moves": Asked(
        "{child}", lambda _: {"parent_code": "X01", "reason": "区划"}
    ),
    "GET /v1/organisations/{organisation_id}/surplus": Asked("{organisation} year=2017"),
    "GET /v1/organisations/{organisation_id}/history": Asked("{organisation}"),
    "GET /v1/bank-formats": Asked(bound=False),
    "GET /v1/policies": Asked(bound=False),
    "GET /v1/policies/{policy_id}": Asked(str(policy_id(POLICY)), bound=False),
    "POST /v1/policies/preparations": Asked(body=lambda _: POLICY_FORM, bound=False),
    "POST /v1/policies": Asked(
        body=lambda p: {"policy": POLICY_FORM, "signed": signed(p)}, bound=False
    ),
    "GET /v1/campaigns": Asked(bound=False),
    "POST /v1/campaigns": Asked(body=lambda _: CAMPAIGN_FORM, bound=False),
    "POST /v1/campaigns/{campaign_id}/closing": Asked(
        NOBODYS, lambda _: {"reason": "结束"}, bound=False
    ),
    "POST /v1/archive/files": Asked(
        body=lambda p: {
            "file_number": f"N{uuid4().hex[:8]}",
            "organisation_code": p.code,
            "category": "建档困难职工",
            "opened_on": "2017-01-01",
            "name": "某某",
            "id_number": Person(p.people + 900).id_number,
        },
        bound=False,  # a row elsewhere is an answer that lists it as refused
    ),
    "POST /v1/archive/workbooks": Asked(
        form=lambda _: ({}, {"workbook": ("a.csv", b"x\n")}), bound=False
    ),
    "POST /v1/archive/people/{person_id}/files/{file_number}/closing": Asked(
        "{person} {file}", lambda _: {"reason": "脱困"}
    ),
    "GET /v1/fund-accounts": Asked("organisation_id={organisation}"),
    "GET /v1/fund-accounts/{fund_id}": Asked("{fund}"),
    "GET /v1/fund-accounts/{fund_id}/lots": Asked("{fund}"),
    "GET /v1/fund-accounts/{fund_id}/history": Asked("{fund}"),
    "GET /v1/bank-accounts": Asked("organisation_id={organisation}"),
    "POST /v1/bank-accounts": Asked(
        body=lambda p: {
            "organisation_code": p.code,
            "name": "专户",
            "number": f"77{uuid4().int % 10**14:014d}",
            "bank_format": "camt-053",
            "begins_on": "2017-01-01",
            "opening_fen": 0,
        }
    ),
    "GET /v1/bank-accounts/{account_id}": Asked("{bank}"),
    "POST /v1/bank-accounts/{account_id}/funds": Asked(
        "{bank}", lambda p: {"organisation_code": p.code, "earmark": EARMARK}
    ),
    "POST /v1/bank-accounts/{account_id}/closing": Asked(
        "{other_bank}", lambda _: {"reason": "销户"}
    ),
    "GET /v1/bank-accounts/{account_id}/statements": Asked("{bank}"),
    "POST /v1/bank-accounts/{account_id}/statements": Asked(
        "{bank}", form=lambda _: ({}, {"file": ("s.xml", b"<x/>")})
    ),
    "POST /v1/bank-accounts/{account_id}/statements/{statement_id}/withdrawal": Asked(
        "{bank} {bank_statement}", lambda _: {"reason": "登记错了"}
    ),
    "POST /v1/bank-accounts/{account_id}/rules": Asked("{bank}"),
    "GET /v1/bank-accounts/{account_id}/open-lines": Asked("{bank}"),
    "GET /v1/bank-accounts/{account_id}/open-items": Asked("{bank}"),
    "GET /v1/bank-accounts/{account_id}/candidates/{statement_id}/{line}": Asked(
        "{bank} {bank_statement} 1"
    ),
    "POST /v1/bank-accounts/{account_id}/matches": Asked("{bank}", lambda _: {}),
    "GET /v1/bank-accounts/{account_id}/matches/{match_id}": Asked(f"{{bank}} {NOBODYS}"),
    "POST /v1/bank-accounts/{account_id}/matches/{match_id}/undoing": Asked(
        f"{{bank}} {NOBODYS}", lambda _: {"reason": "看错了"}
    ),
    "POST /v1/bank-accounts/{account_id}/lines/{statement_id}/{line}/ignoring": Asked(
        "{bank} {bank_statement} 9", lambda _: {"reason": "无关"}
    ),
    "POST /v1/bank-accounts/{account_id}/lines/{statement_id}/{line}/writing-off": Asked(
        "{bank} {bank_statement} 9", lambda _: {"reason": "手续费"}
    ),
    "POST /v1/bank-accounts/{account_id}/lines/{statement_id}/{line}/taking-up": Asked(
        "{bank} {bank_statement} 9", lambda _: {"reason": "再看"}
    ),
    "POST /v1/bank-accounts/{account_id}/lines/{statement_id}/{line}/coming-back": Asked(
        "{bank} {bank_statement} 9", lambda _: {"disbursement_id": NOBODYS}
    ),
    "GET /v1/bank-accounts/{account_id}/reconciliation": Asked("{bank} as_of=2017-01-31"),
    "GET /v1/appropriations": Asked("organisation_id={organisation}"),
    "POST /v1/appropriations": Asked(
        body=lambda p: {
            "organisation_code": p.code,
            "earmark": EARMARK,
            "source": "社会捐赠",
            "document": "捐1号",
            "vintage": 2017,
            "amount_fen": 100,
        }
    ),
    "POST /v1/appropriations/{lot_id}/corrections": Asked(
        "{lot}",
        lambda p: {
            "organisation_code": p.code,
            "earmark": EARMARK,
            "corrects_version": 2,
            "difference_fen": 1,
            "reason": "笔误",
        },
    ),
    "GET /v1/appropriations/{lot_id}/trace": Asked("{lot}"),
    "GET /v1/appropriations/{lot_id}/history": Asked("{lot}"),
    "GET /v1/allocations": Asked("organisation_id={organisation}"),
    "GET /v1/allocations/{allocation_id}": Asked("{allocation}"),
    "POST /v1/allocations/preparations": Asked(body=allocation),
    "POST /v1/allocations": Asked(
        body=lambda p: {"allocation": allocation(p), "signed": signed(p)}
    ),
    "POST /v1/allocations/{allocation_id}/acknowledgement": Asked("{allocation}"),
    "GET /v1/remittances": Asked("organisation_id={organisation}"),
    "GET /v1/remittances/{remittance_id}": Asked("{remittance}"),
    "GET /v1/remittances/{remittance_id}/proof": Asked("{remittance}"),
    "POST /v1/remittances/preparations": Asked(body=remittance),
    "POST /v1/remittances": Asked(
        body=lambda p: {"remittance": remittance(p), "signed": signed(p)}
    ),
    # At which organisation, the file says; tests/commands/test_remittances.py refuses others.
    "POST /v1/remittances/arrivals": Asked(
        form=lambda _: ({"amount_fen": "100"}, {"file": ("p.zip", b"none")}), bound=False
    ),
    "POST /v1/remittances/acknowledgements": Asked(
        form=lambda _: ({}, {"file": ("p.zip", b"none")}), bound=False
    ),
    "POST /v1/remittances/refusals/preparations": Asked(
        form=lambda _: ({"reason": "单位有误"}, {"file": ("p.zip", b"none")}), bound=False
    ),
    "POST /v1/remittances/refusals": Asked(
        form=lambda p: ({"reason": "单位有误"} | signed(p), {"file": ("p.zip", b"none")}),
        bound=False,
    ),
    "POST /v1/remittances/taking-back": Asked(
        form=lambda _: ({"amount_fen": "100"}, {"file": ("p.zip", b"none")}), bound=False
    ),
    "GET /v1/known-ledgers": Asked(bound=False),
    "POST /v1/known-ledgers/preparations": Asked(body=lambda _: NEIGHBOUR, bound=False),
    "POST /v1/known-ledgers": Asked(
        body=lambda p: {"ledger": NEIGHBOUR, "signed": signed(p)}, bound=False
    ),
    "POST /v1/known-ledgers/{key_id}/striking-off/preparations": Asked(
        "ab" * 16, body=lambda _: {"reason": "并入"}, bound=False
    ),
    "POST /v1/known-ledgers/{key_id}/striking-off": Asked(
        "ab" * 16, body=lambda p: {"reason": "并入", "signed": signed(p)}, bound=False
    ),
    "GET /v1/batches": Asked("organisation_id={organisation}"),
    "POST /v1/batches": Asked(
        form=lambda p: (
            {
                "code": f"N-{uuid4().hex[:8]}",
                "campaign_code": CAMPAIGN,
                "organisation_code": p.code,
                "earmark": EARMARK,
                "channel": "银行卡",
                "bank_format": "unionpay-df",
            },
            {"roster": ("r.csv", roster_csv(Person(p.people + 1)))},
        )
    ),
    "GET /v1/batches/{batch_id}": Asked("{batch}"),
    "GET /v1/batches/{batch_id}/history": Asked("{batch}"),
    "POST /v1/batches/{batch_id}/review": Asked("{drafted}"),
    "POST /v1/batches/{batch_id}/approval/preparation": Asked("{reviewed}"),
    "POST /v1/batches/{batch_id}/approval": Asked("{reviewed}", lambda p: {"signed": signed(p)}),
    "POST /v1/batches/{batch_id}/bank-file": Asked(
        "{batch}", lambda _: {"reason": "代发", "made_for": "银行"}
    ),
    "POST /v1/batches/{batch_id}/bank-file/cancellations": Asked(
        "{batch}", lambda _: {"file_sha256": "ab" * 32, "reason": "银行未执行"}
    ),
    "POST /v1/batches/{batch_id}/spellings": Asked(
        "{batch}", lambda _: {"number": 1, "spelling": "张某", "ground": "银行同意"}
    ),
    "POST /v1/batches/{batch_id}/returns": Asked(
        "{batch}",
        form=lambda p: ({}, {"file": ("r.txt", bank_answer(p))}),
    ),
    "POST /v1/batches/{batch_id}/sheets/preparations": Asked("{sheet}", sheet),
    "POST /v1/batches/{batch_id}/sheets": Asked(
        "{sheet}", lambda p: {"sheet": sheet(p), "signed": signed(p)}
    ),
    "GET /v1/batches/{batch_id}/signatures": Asked("{sheet}"),
    "POST /v1/batches/{batch_id}/signatures": Asked("{sheet}", drawn),
    "POST /v1/batches/{batch_id}/scans": Asked(
        "{sheet}", form=lambda _: ({"signed_on": TODAY.isoformat()}, {"file": NO_SCAN})
    ),
    "POST /v1/batches/{batch_id}/signatures/certification/preparation": Asked(
        "{sheet}", lambda _: {"numbers": [9]}
    ),
    "POST /v1/batches/{batch_id}/signatures/certification": Asked(
        "{sheet}", lambda p: {"certification": {"numbers": [9]}, "signed": signed(p)}
    ),
    "POST /v1/batches/{batch_id}/signatures/{number}/discards": Asked(
        "{sheet} 1", lambda _: {"reason": "划线"}
    ),
    "POST /v1/batches/{batch_id}/closing": Asked("{batch}"),
    "GET /v1/disbursements": Asked("organisation_id={organisation}"),
    "GET /v1/disbursements/totals": Asked("organisation_id={organisation}"),
    "GET /v1/disbursements/export": Asked("organisation_id={organisation}"),
    "GET /v1/disbursements/{disbursement_id}": Asked("{payment}"),
    "GET /v1/disbursements/{disbursement_id}/trace": Asked("{payment}"),
    "GET /v1/disbursements/{disbursement_id}/explanation": Asked("{payment}"),
    "GET /v1/disbursements/{disbursement_id}/history": Asked("{payment}"),
    "POST /v1/disbursements/{disbursement_id}/unmaskings": Asked(
        "{payment}", lambda _: {"fields": ["name"], "reason": "核对"}
    ),
    "POST /v1/disbursements/{disbursement_id}/corrections": Asked(
        "{payment}", lambda _: {"corrects_version": 2, "reason": "笔误"}
    ),
    "POST /v1/disbursements/{disbursement_id}/withdrawals": Asked(
        "{payment}", lambda _: {"reason": "调离"}
    ),
    "POST /v1/disbursements/{disbursement_id}/reissues": Asked(
        "{payment}", lambda _: {"reason": "补发"}
    ),
    "POST /v1/fiscal-years": Asked(
        body=lambda p: {
            "organisation_code": p.code,
            "earmark": EARMARK,
            "year": 2017,
            "policy_code": POLICY,
        }
    ),
    "POST /v1/fiscal-years/closings": Asked(
        body=lambda p: {"organisation_code": p.code, "year": 2017}
    ),
    "GET /v1/findings": Asked("organisation_id={organisation}"),
    "GET /v1/rules": Asked(bound=False),
    "GET /v1/filings": Asked("campaign_id={campaign} organisation_id={organisation}"),
    "POST /v1/filings": Asked(
        body=lambda p: {
            "campaign_code": CAMPAIGN,
            "organisation_code": p.code,
            "name": "签字表",
            "document_sha256": "ab" * 32,
        }
    ),
    "POST /v1/filings/{filing_id}/sendings-back": Asked("{filing}", lambda _: {"reason": "缺页"}),
    "GET /v1/signature-clusters": Asked(bound=False),
    "GET /v1/signature-clusters/{number}": Asked("0", bound=False),
    "POST /v1/signature-clusters/{number}/unmaskings": Asked(
        "0", lambda _: {"reason": "核对笔迹"}, bound=False
    ),
    "GET /v1/cases": Asked("organisation_id={organisation}"),
    "POST /v1/cases": Asked(
        body=lambda p: {"rule": "J3", "organisation_id": p.ids["organisation"], "year": 1999}
    ),
    "GET /v1/cases/{case_id}": Asked("{case}"),
    "POST /v1/cases/{case_id}/assignments": Asked(
        "{case}", lambda _: {"staff_number": "J-C01", "due_on": "2018-01-01"}
    ),
    "POST /v1/cases/{case_id}/dismissal": Asked("{case}", lambda _: {"ground": "不是问题"}),
    "POST /v1/cases/{case_id}/confirmation": Asked("{case}", lambda _: {"ground": "属实"}),
    "POST /v1/cases/{case_id}/demands": Asked(
        "{case}",
        lambda _: {"staff_number": "A-C01", "due_on": "2018-01-01", "measures": "改正"},
    ),
    "POST /v1/cases/{case_id}/reports": Asked("{case}", lambda _: {"report": "已改正"}),
    "POST /v1/cases/{case_id}/recoveries": Asked(
        "{case}",
        lambda p: {
            "organisation_code": p.code,
            "earmark": EARMARK,
            "document": "收1号",
            "vintage": 2017,
            "amount_fen": 5,
        },
    ),
    "POST /v1/cases/{case_id}/write-offs/preparation": Asked(
        "{case}", lambda _: {"amount_fen": 5, "ground": "无法追回"}
    ),
    "POST /v1/cases/{case_id}/write-offs": Asked(
        "{case}",
        lambda p: {"write_off": {"amount_fen": 5, "ground": "无法追回"}, "signed": signed(p)},
    ),
    "POST /v1/cases/{case_id}/closing": Asked("{case}", lambda _: {"ground": "核对无误"}),
    "POST /v1/cases/{case_id}/reopening": Asked("{case}", lambda _: {"ground": "又出现"}),
    "GET /v1/outside-lists": Asked("organisation_id={organisation}"),
    "POST /v1/outside-lists": Asked(form=outside_list),
    "POST /v1/outside-lists/{list_id}/withdrawal": Asked(
        "{outside}", lambda _: {"reason": "来源有误"}
    ),
    "GET /v1/samples": Asked("organisation_id={organisation}"),
    "POST /v1/samples": Asked(
        body=lambda p: {"title": "抽查", "organisation_code": p.code, "method": "simple", "size": 1}
    ),
    "GET /v1/samples/{sample_id}": Asked("{sample}"),
    "GET /v1/samples/{sample_id}/universe": Asked("{sample}"),
    "GET /v1/samples/{sample_id}/verification": Asked("{sample}"),
    "POST /v1/samples/{sample_id}/draws": Asked("{sample}"),
    "GET /v1/notices": Asked("organisation_id={organisation}"),
    "POST /v1/notices": Asked(body=lambda p: notice_form(p.ids["reviewed"])),
    "GET /v1/notices/{notice_id}": Asked("{notice}"),
    "GET /v1/notices/{notice_id}/history": Asked("{notice}"),
    "POST /v1/notices/{notice_id}/objections": Asked("{notice}", lambda _: {"text": "有异议"}),
    "POST /v1/notices/{notice_id}/objections/{number}/readings": Asked(
        "{notice} 1", lambda _: {"reason": "答复"}
    ),
    "POST /v1/notices/{notice_id}/objections/{number}/answer": Asked(
        "{notice} 1", lambda _: {"upheld": False, "reason": "不属实"}
    ),
    "POST /v1/notices/{notice_id}/closing": Asked("{notice}"),
    "POST /v1/notices/{notice_id}/withdrawal": Asked("{notice}", lambda _: {"reason": "有误"}),
    "POST /v1/searches": Asked(body=lambda _: {"name": "某某"}, bound=False),
    "GET /v1/people/{person_id}": Asked("{person}"),
    "GET /v1/change-requests": Asked(bound=False),
    "GET /v1/disclosures": Asked("organisation_id={organisation}"),
    "POST /v1/people/{person_id}/change-requests": Asked(
        "{person}", lambda _: {"change": "restrict", "reason": "本人要求"}
    ),
    "POST /v1/people/{person_id}/changes": Asked("{person}", lambda _: {"change": "restrict"}),
    "POST /v1/organisations/bulk": Asked(
        "mode=all_or_nothing", lambda _: {"happened_on": None}, bound=False
    ),
    "POST /v1/officers/bulk": Asked(
        "mode=all_or_nothing", lambda _: {"happened_on": None}, bound=False
    ),
    "POST /v1/archive/files/bulk": Asked(
        "mode=all_or_nothing", lambda _: {"happened_on": None}, bound=False
    ),
    "POST /v1/appropriations/bulk": Asked(
        "mode=all_or_nothing", lambda _: {"happened_on": None}, bound=False
    ),
    "GET /v1/balances": Asked("organisation_id={organisation}"),
    "GET /v1/reports/statistics": Asked("organisation={code}"),
    "GET /v1/reports/yearly": Asked("organisation={code}"),
    "GET /v1/reports/summary": Asked("organisation={code}"),
    "GET /v1/reports/deadlines": Asked("organisation={code}"),
    "GET /v1/journal": Asked("format=hledger&organisation_id={organisation}"),
    "GET /v1/log": Asked(bound=False),
    "GET /v1/log/entries/{position}": Asked("0", bound=False),
    "GET /v1/evidence/publications": Asked(bound=False),
    "GET /v1/evidence/subjects/{subject}": Asked("{organisation}", bound=False),
    "GET /v1/evidence/packs/{kind}/{subject}": Asked("fund {fund}"),
    "POST /v1/evidence/packs": Asked(body=lambda p: {"kind": "fund", "subject": p.ids["fund"]}),
    "GET /v1/events": Asked("seconds=0", bound=False),
    "GET /v1/jobs": Asked(bound=False),
    "GET /v1/jobs/{job_id:uuid}": Asked(NOBODYS, bound=False),
    "POST /v1/jobs/roster": Asked(
        form=lambda p: (
            {
                "code": f"N-{uuid4().hex[:8]}",
                "campaign_code": CAMPAIGN,
                "organisation_code": p.code,
                "earmark": EARMARK,
                "channel": "银行卡",
                "bank_format": "unionpay-df",
            },
            {"roster": ("r.csv", roster_csv(Person(p.people + 1)))},
        )
    ),
    "POST /v1/jobs/archive": Asked(
        form=lambda _: ({}, {"workbook": ("a.csv", b"x\n")}), bound=False
    ),
    "POST /v1/jobs/inspection": Asked(
        body=lambda p: {"organisation_code": p.code, "year": 2017, "encoding": "utf-8"}
    ),
    "GET /v1/jobs/{job_id:uuid}/package": Asked(NOBODYS, bound=False),
    "POST /v1/jobs/{job_id:uuid}/cancellation": Asked(NOBODYS, bound=False),
    "POST /v1/jobs/{job_id:uuid}/retry": Asked(NOBODYS, bound=False),
    "GET /v1/webhooks": Asked(bound=False),
    "POST /v1/webhooks": Asked(
        body=lambda _: {"url": "https://hooks.invalid/", "topics": ["export"]}, bound=False
    ),
    "GET /v1/webhooks/{webhook_id}": Asked("0" * 16, bound=False),
    "POST /v1/webhooks/{webhook_id}/resumption": Asked("0" * 16, bound=False),
    "DELETE /v1/webhooks/{webhook_id}": Asked("0" * 16, bound=False),
    "GET /tlog/checkpoint": Asked(bound=False),
    "HEAD /tlog/checkpoint": Asked(bound=False),
    "GET /tlog/tile/{path:path}": Asked("entries/000.p/1", bound=False),
    "HEAD /tlog/tile/{path:path}": Asked("entries/000.p/1", bound=False),
    "GET /tlog/proof/{position}": Asked("0", bound=False),
    "GET /livez": Asked(bound=False),
    "GET /readyz": Asked(bound=False),
    "HEAD /livez": Asked(bound=False),
    "HEAD /readyz": Asked(bound=False),
    "GET /metrics": Asked(bound=False),
    "GET /": Asked(bound=False),
    "GET /assets/{version}/{name:path}": Asked("none site.css", bound=False),
    "GET /sign-in": Asked(bound=False),
    "POST /sign-in": Asked(bound=False),
    "GET /invitation": Asked(bound=False),
    "POST /invitation": Asked(bound=False),
    "POST /demo": Asked(bound=False),
    "POST /sign-out": Asked(bound=False),
    "POST /language": Asked(bound=False),
    "GET /r/{token}": Asked("none", bound=False),
    "GET /r/{token}/proof.json": Asked("none", bound=False),
    "GET /r/{token}/log": Asked("none", bound=False),
    "GET /r/{token}/entries/{position}": Asked("none 0", bound=False),
    "GET /batches/{batch_id}/slips.pdf": Asked("{batch}"),
    "GET /notices": Asked(bound=False),
    "GET /notices/{notice_id}": Asked("{notice}", bound=False),
    "GET /notices/{notice_id}.pdf": Asked("{notice}"),
    "POST /notices/{notice_id}/objections": Asked(
        "{notice}", form=form_of(text="有异议"), bound=False
    ),
    "POST /notices/{notice_id}/objections/entered": Asked(
        "{notice}", form=form_of(text="有异议", told_on=TODAY.isoformat())
    ),
    "GET /batches/{batch_id}/notices/new": Asked("{batch}"),
    "POST /batches/{batch_id}/notices/new": Asked(
        "{batch}",
        form=form_of(
            period_days="5",
            period_unit="natural",
            source="公示办法",
            confidence="stated",
            place="公告栏",
            contact="工会办公室",
        ),
    ),
    "POST /notices/{notice_id}/objections/{number}/reading": Asked("{notice} 1", form=form_of()),
    "POST /notices/{notice_id}/objections/{number}/answer": Asked(
        "{notice} 1", form=form_of(verdict="dismissed", reason="不属实")
    ),
    "POST /notices/{notice_id}/closing": Asked("{notice}", form=form_of()),
    "POST /notices/{notice_id}/withdrawal": Asked("{notice}", form=form_of(reason="有误")),
    "GET /receipts/{disbursement_id}": Asked("{payment}"),
    "GET /overview": Asked(bound=False),
    "GET /organisations": Asked(bound=False),
    "GET /my-key": Asked(bound=False),
    "GET /integrity": Asked(bound=False),
    "GET /findings": Asked(bound=False),
    "GET /findings/rules": Asked(bound=False),
    **{f"GET /deadlines{suffix}": Asked("organisation={code}") for suffix in FILES},
    "GET /reports": Asked(bound=False),
    "GET /reports/inspection": Asked(bound=False),
    "POST /reports/inspection": Asked(
        form=lambda p: ({"key": uuid4().hex, "organisation": p.code, "year": "2017"}, {})
    ),
    "GET /reports/inspection/{job_id}.zip": Asked(NOBODYS, bound=False),
    "GET /findings/signatures": Asked(bound=False),
    "GET /findings/signatures/{number}": Asked("0", bound=False),
    "POST /findings/signatures/{number}": Asked("0", form=form_of(reason="核对笔迹"), bound=False),
    "GET /findings/devices/{position}": Asked("0", bound=False),
    **{
        f"GET /reports/{{sort}}{suffix}": Asked("statistics organisation={code}")
        for suffix in FILES
    },
    **{
        f"POST /reports/{{sort}}/{act}": Asked(
            "summary",
            form=lambda p: (
                {
                    "key": uuid4().hex,
                    "organisation": p.code,
                    "campaign": CAMPAIGN,
                    "year": "2017",
                    "at": "100000",
                    "name": "签字表",
                    "words": "走访慰问已完成。",
                },
                {},
            ),
        )
        for act in ("hand-in", "preview")
    },
    "GET /findings/lists": Asked(bound=False),
    "POST /findings/lists": Asked(form=outside_list),
    "POST /findings/lists/{list_id}/withdrawal": Asked(
        "{outside}", form=form_of(reason="来源有误")
    ),
    "GET /samples": Asked(bound=False),
    "GET /samples/new": Asked(bound=False),
    "POST /samples/new": Asked(
        form=lambda p: (
            {
                "key": uuid4().hex,
                "title": "抽查",
                "organisation": p.code,
                "method": "simple",
                "size": "1",
            },
            {},
        )
    ),
    "GET /samples/{sample_id}": Asked("{sample}"),
    "GET /samples/{sample_id}.csv": Asked("{sample}"),
    "POST /samples/{sample_id}/draw": Asked("{sample}", form=form_of()),
    "POST /integrity": Asked(form=form_of(), bound=False),
    "GET /ledger": Asked(bound=False),
    "GET /ledger.csv": Asked(bound=False),
    "GET /ledger.xlsx": Asked(bound=False),
    "GET /ledger.pdf": Asked(bound=False),
    "GET /ledger/facets/{name}": Asked("status", bound=False),
    "GET /ledger/chart": Asked(bound=False),
    "GET /ledger/organisations": Asked(bound=False),
    "GET /search": Asked(bound=False),
    "POST /search": Asked(form=lambda _: ({"kind": "name", "value": "某某"}, {}), bound=False),
    "GET /verify/{position}": Asked("0", bound=False),
    "GET /trace/payments/{disbursement_id}": Asked("{payment}"),
    "GET /trace/payments/{disbursement_id}/explanation": Asked("{payment}"),
    "GET /trace/payments/{disbursement_id}/unmasking": Asked("{payment}"),
    "POST /trace/payments/{disbursement_id}/unmasking": Asked(
        "{payment}", form=form_of(show_name="yes", reason="核对")
    ),
    "GET /trace/payments/{disbursement_id}/outcome": Asked("{payment}"),
    "POST /trace/payments/{disbursement_id}/withdrawal": Asked(
        "{payment}", form=form_of(reason="调离")
    ),
    "POST /trace/payments/{disbursement_id}/reissue": Asked(
        "{payment}", form=form_of(reason="补发", card_number="")
    ),
    "POST /trace/payments/{disbursement_id}/return-correction": Asked(
        "{payment}", form=form_of(corrects_version="2", reason="认错了人")
    ),
    "GET /trace/lots/{lot_id}": Asked("{lot}"),
    "GET /trace/people/{person_id}": Asked("{person}"),
    "GET /flow": Asked(bound=False),
    "GET /flow/receipts": Asked(bound=False),
    "GET /flow/holdings": Asked(bound=False),
    "GET /flow/opening": Asked(bound=False),
    "GET /flow/allocations": Asked(bound=False),
    "GET /remittances": Asked(bound=False),
    "GET /remittances/new": Asked(bound=False),
    "POST /remittances/new": Asked(
        form=lambda p: (
            {
                "key": uuid4().hex,
                "account": f"{p.code}/{EARMARK}",
                "to_key_id": "ab" * 16,
                "to_code": "C01",
                "document": "跨市1号",
                "amount": "1.00",
            },
            {},
        ),
    ),
    "GET /remittances/{remittance_id}": Asked("{remittance}"),
    "GET /remittances/{remittance_id}/proof": Asked("{remittance}"),
    "GET /remittances/ledgers": Asked(bound=False),
    # At which organisation, the file says; tests/commands refuse others. It is its officer's alone.
    "GET /remittances/files": Asked(bound=False),
    "POST /remittances/files": Asked(
        form=lambda _: ({"key": uuid4().hex}, {"file": ("p.zip", b"none")}), bound=False
    ),
    "GET /remittances/files/{import_id}": Asked(NOBODYS, bound=False),
    "POST /remittances/files/{import_id}/arrival": Asked(
        NOBODYS, form=lambda _: ({"key": uuid4().hex, "amount": "1.00"}, {}), bound=False
    ),
    "POST /remittances/files/{import_id}/acknowledgement": Asked(
        NOBODYS, form=lambda _: ({"key": uuid4().hex}, {}), bound=False
    ),
    "POST /remittances/files/{import_id}/taking-back": Asked(
        NOBODYS, form=lambda _: ({"key": uuid4().hex, "amount": "1.00"}, {}), bound=False
    ),
    "POST /remittances/files/{import_id}/refusal/preparation": Asked(
        NOBODYS, body=lambda _: {"reason": "单位有误"}, bound=False
    ),
    "POST /remittances/files/{import_id}/refusal": Asked(
        NOBODYS, body=lambda p: {"reason": "单位有误", "signed": signed(p)}, bound=False
    ),
    "GET /bank": Asked(bound=False),
    "POST /bank": Asked(
        form=lambda p: (
            {
                "key": uuid4().hex,
                "organisation_code": p.code,
                "name": "专户",
                "number": f"78{uuid4().int % 10**14:014d}",
                "bank_format": "camt-053",
                "begins_on": "2017-01-01",
                "opening": "0",
            },
            {},
        )
    ),
    "GET /bank/{account_id}": Asked("{bank}"),
    "POST /bank/{account_id}/funds": Asked("{bank}", form=form_of(fund_id=NOBODYS)),
    "POST /bank/{account_id}/closing": Asked("{other_bank}", form=form_of(reason="销户")),
    "POST /bank/{account_id}/statements": Asked(
        "{bank}", form=lambda _: ({"key": uuid4().hex}, {"file": ("s.xml", b"<x/>")})
    ),
    "POST /bank/{account_id}/rules": Asked("{bank}", form=form_of()),
    "POST /bank/{account_id}/statements/{statement_id}/withdrawal": Asked(
        "{bank} {bank_statement}", form=form_of(reason="登记错了")
    ),
    "POST /bank/{account_id}/matches": Asked("{bank}", form=form_of()),
    "GET /bank/{account_id}/matches/{match_id}": Asked(f"{{bank}} {NOBODYS}"),
    "POST /bank/{account_id}/matches/{match_id}/undoing": Asked(
        f"{{bank}} {NOBODYS}", form=form_of(reason="看错了")
    ),
    "POST /bank/{account_id}/lines/ignoring": Asked(
        "{bank}", form=form_of(in_hand=f"{NOBODYS}.1", reason="无关")
    ),
    "POST /bank/{account_id}/lines/writing-off": Asked(
        "{bank}", form=form_of(in_hand=f"{NOBODYS}.1", reason="手续费")
    ),
    "POST /bank/{account_id}/lines/taking-up": Asked(
        "{bank}", form=form_of(in_hand=f"{NOBODYS}.1", reason="再看")
    ),
    "POST /bank/{account_id}/lines/coming-back": Asked(
        "{bank}", form=form_of(in_hand=f"{NOBODYS}.1", disbursement_id=NOBODYS)
    ),
    "GET /bank/{account_id}/reconciliation": Asked("{bank} day=2017-02-01"),
    "GET /bank/{account_id}/reconciliation.pdf": Asked("{bank} day=2017-02-01"),
    "POST /bank/{account_id}/reconciliation": Asked("{bank}", form=form_of(day="2017-02-01")),
    "POST /bank/{account_id}/reconciliation/review": Asked(
        "{bank}", form=form_of(day="2017-02-01")
    ),
    "GET /bank/{account_id}/statements/{import_id}": Asked(f"{{bank}} {NOBODYS}"),
    "POST /bank/{account_id}/statements/{import_id}/columns": Asked(
        f"{{bank}} {NOBODYS}", form=form_of(line="1", field="day")
    ),
    "GET /cases": Asked(bound=False),
    "GET /cases.csv": Asked("organisation={code}"),
    "GET /cases.xlsx": Asked("organisation={code}"),
    "GET /cases/new": Asked("rule=J3&organisation={organisation}", bound=False),
    "POST /cases": Asked(
        form=lambda p: (
            {"key": uuid4().hex, "rule": "J3", "organisation_id": p.ids["organisation"]},
            {},
        ),
    ),
    "GET /cases/{case_id}": Asked("{case}"),
    "POST /cases/{case_id}/assignments": Asked(
        "{case}", form=form_of(staff_number="J-C01", due_on="2018-01-01")
    ),
    "POST /cases/{case_id}/verdict": Asked(
        "{case}", form=form_of(verdict="confirmed", ground="属实")
    ),
    "POST /cases/{case_id}/demands": Asked(
        "{case}", form=form_of(staff_number="A-C01", due_on="2018-01-01", measures="改正")
    ),
    "POST /cases/{case_id}/reports": Asked("{case}", form=form_of(report="已改正")),
    "POST /cases/{case_id}/recoveries": Asked("{case}", form=form_of(amount="1.00")),
    "POST /cases/{case_id}/closing": Asked("{case}", form=form_of(ground="核对无误")),
    "POST /cases/{case_id}/reopening": Asked("{case}", form=form_of(ground="又出现")),
    "GET /batches": Asked(bound=False),
    "GET /batches/new": Asked(bound=False),
    "POST /batches/new": Asked(
        form=lambda place: (
            {
                "key": uuid4().hex,
                "code": f"N-{uuid4().hex[:8]}",
                "campaign_code": CAMPAIGN,
                "organisation_code": place.code,
                "earmark": EARMARK,
                "channel": "银行卡",
                "bank_format": "unionpay-df",
            },
            {"file": ("r.csv", roster_csv(Person(place.people + 1)))},
        )
    ),
    "GET /archive/new": Asked(bound=False),
    "POST /archive/new": Asked(
        form=lambda place: (
            {"key": uuid4().hex},
            {"file": ("a.csv", roster_csv(Person(place.people)))},
        ),
        bound=False,
    ),
    "GET /imports/{import_id}": Asked(NOBODYS, bound=False),
    "POST /imports/{import_id}/columns": Asked(
        NOBODYS, form=form_of(line="1", field="name"), bound=False
    ),
    "POST /imports/{import_id}/workbook": Asked(
        NOBODYS, form=form_of(reason="改正", made_for="本人"), bound=False
    ),
    "POST /imports/{import_id}/commit": Asked(NOBODYS, form=form_of(), bound=False),
    "GET /jobs": Asked(bound=False),
    "GET /jobs/{job_id}": Asked(NOBODYS, bound=False),
    "POST /jobs/{job_id}/cancellation": Asked(NOBODYS, form=form_of(), bound=False),
    "POST /jobs/{job_id}/retry": Asked(NOBODYS, form=form_of(), bound=False),
    "GET /batches/{batch_id}": Asked("{batch}"),
    "POST /batches/{batch_id}/review": Asked("{drafted}", form=form_of()),
    "GET /bank/formats": Asked(bound=False),
    "GET /batches/{batch_id}/bank-file": Asked("{batch}"),
    "GET /batches/{batch_id}/bank-file/cancellation": Asked("{batch}"),
    "POST /batches/{batch_id}/bank-file/cancellation": Asked(
        "{batch}", form=form_of(file_sha256="ab" * 32, reason="银行未执行")
    ),
    "POST /batches/{batch_id}/spellings": Asked(
        "{batch}", form=form_of(number="1", spelling="张某", ground="银行同意")
    ),
    "POST /batches/{batch_id}/bank-file": Asked(
        "{batch}", form=form_of(reason="送银行", made_for="开户行")
    ),
    "POST /batches/{batch_id}/returns": Asked(
        "{batch}",
        form=lambda place: ({"key": uuid4().hex}, {"file": ("r.txt", bank_answer(place))}),
    ),
    "GET /batches/{batch_id}/rows": Asked("{batch}"),
    "GET /batches/{batch_id}/returns/{import_id}": Asked(f"{{batch}} {NOBODYS}"),
    "POST /batches/{batch_id}/returns/{import_id}": Asked(f"{{batch}} {NOBODYS}", form=form_of()),
    "POST /batches/{batch_id}/closing": Asked("{batch}", form=form_of()),
    "GET /batches/{batch_id}/signing": Asked("{sheet}"),
    "POST /batches/{batch_id}/signing": Asked("{sheet}", form=form_of(reason="现场签字")),
    "GET /batches/{batch_id}/certification": Asked("{sheet}"),
    "POST /batches/{batch_id}/certification/discards": Asked(
        "{sheet}", form=form_of(number="1", reason="划线")
    ),
    "GET /batches/{batch_id}/signatures/{number}/image": Asked("{sheet} 1"),
    "GET /my-account": Asked(bound=False),
    "POST /my-account/tokens": Asked(form=form_of(label="t", days="1"), bound=False),
    "POST /my-account/tokens/{token_id}/revocation": Asked("none", form=form_of(), bound=False),
    "POST /my-account/passkeys/{passkey_id}/removal": Asked("0" * 16, form=form_of(), bound=False),
    "POST /my-account/presence": Asked(form=form_of(password="x"), bound=False),
    "POST /my-account/sessions/ending": Asked(form=form_of(), bound=False),
    "GET /admin": Asked(bound=False),
    "GET /admin/organisations": Asked(bound=False),
    "POST /admin/organisations": Asked(
        form=lambda p: (
            {
                "key": uuid4().hex,
                "code": f"N-{uuid4().hex[:8]}",
                "name": "新",
                "kind": "基层",
                "parent_code": p.code,
            },
            {},
        )
    ),
    "GET /admin/organisations/{organisation_id}": Asked("{organisation}", bound=False),
    "POST /admin/organisations/{organisation_id}/moves": Asked(
        "{child}", form=form_of(parent_code="X01", reason="区划")
    ),
    "GET /admin/officers": Asked(bound=False),
    "POST /admin/officers": Asked(
        form=lambda _: (
            {"key": uuid4().hex, "staff_number": f"N-{uuid4().hex[:8]}", "name": "某某"},
            {},
        ),
        bound=False,
    ),
    "POST /admin/officers/search": Asked(form=form_of(name="某某"), bound=False),
    "GET /admin/officers/{officer_id}": Asked("{officer}", bound=False),
    "POST /admin/officers/{officer_id}/posts/preparation": Asked(
        "{officer}", lambda p: {"organisation": p.code, "role": "经办"}
    ),
    "POST /admin/officers/{officer_id}/posts": Asked(
        "{officer}",
        form=lambda p: ({"key": uuid4().hex, "organisation": p.code, "role": "经办"}, {}),
    ),
    "POST /admin/officers/{officer_id}/post-endings": Asked(
        "{reviewer}",  # the handler's is ended over the interface
        form=lambda p: (
            {
                "key": uuid4().hex,
                "organisation_id": p.ids["organisation"],
                "role": "复核",
            },
            {},
        ),
    ),
    "POST /admin/officers/{officer_id}/invitations": Asked("{approver}", form=form_of()),
    "POST /admin/officers/{officer_id}/sign-outs": Asked("{approver}", form=form_of()),
    "POST /admin/officers/{officer_id}/keys/{key_id}/confirmation": Asked(
        "{approver} none", form=form_of()
    ),
    "GET /admin/officers/{officer_id}/keys/{key_id}/ending": Asked("{officer} none", bound=False),
    "POST /admin/officers/{officer_id}/keys/{key_id}/ending": Asked(
        "{me} none", form=form_of(reason="遗失"), bound=False
    ),
    "GET /admin/keys": Asked(bound=False),
    "GET /admin/keys/card": Asked(bound=False),
    "GET /admin/policies": Asked(bound=False),
    "GET /admin/policies/adoption": Asked(bound=False),
    "POST /admin/policies/adoption": Asked(
        form=form_of(
            **{
                "code": "p-3",
                "title": "方案",
                "effective_from": "2017-01-01",
                "c0.name": "一线职工",
                "c0.channel": "签字表",
                "c0.source": "方案",
                "c0.confidence": "certain",
            }
        ),
        bound=False,
    ),
    "GET /admin/policies/{policy_id}": Asked(str(policy_id(POLICY)), bound=False),
    "GET /admin/campaigns": Asked(bound=False),
    "POST /admin/campaigns": Asked(
        form=form_of(**{name: str(value) for name, value in CAMPAIGN_FORM.items()}), bound=False
    ),
    "POST /admin/campaigns/{campaign_id}/closing": Asked(
        NOBODYS, form=form_of(reason="结束"), bound=False
    ),
    "GET /admin/disclosures": Asked("organisation={code}"),
    "GET /admin/disclosures.csv": Asked("organisation={code}"),
    "GET /admin/people": Asked(bound=False),
    "GET /admin/people/{person_id}/request": Asked("{person}", bound=False),
    "POST /admin/people/{person_id}/request": Asked(
        "{person}", form=form_of(change="restrict", reason="本人要求")
    ),
    "POST /admin/people/{person_id}/decision": Asked("{person}", form=form_of(change="restrict")),
    "GET /admin/access": Asked(bound=False),
    "GET /admin/webhooks": Asked(bound=False),
    "POST /admin/webhooks": Asked(
        form=form_of(url="https://hooks.invalid/", topics="export"), bound=False
    ),
    "POST /admin/webhooks/{webhook_id}/resumption": Asked("0" * 16, form=form_of(), bound=False),
    "POST /admin/webhooks/{webhook_id}/ending": Asked("0" * 16, form=form_of(), bound=False),
    "GET /batches/{batch_id}/scans": Asked("{sheet}"),
    "POST /batches/{batch_id}/scans": Asked(
        "{sheet}",
        form=lambda _: ({"key": uuid4().hex, "signed_on": TODAY.isoformat()}, {"file": NO_SCAN}),
    ),
    "POST /batches/{batch_id}/sheet.pdf": Asked(
        "{sheet}", form=form_of(reason="现场签字", made_for="经办人")
    ),
}


def bank_answer(place: Place) -> bytes:
    person = Person(place.people)
    line = f"PAY-{place.code}-000001|156|80000|01|{person.card}|{person.name}|00|成功"
    titles = "orderId|currencyCode|txnAmt|accType|accNo|customerNm|respCode|respMsg"
    return f"5.0.0|80000|1||\n{titles}\n{line}\n".encode()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service_at(tmp_path_factory.mktemp("matrix"), unlimited=True) as found:
        world = found.world
        for code, parent in (("X01-01-1", "X01-01"), ("X02-01", "X02")):
            world.register(code, parent)
        known = Acquaintance("ab" * 16, "other.test/log", "邻市账本")
        register_ledger(world.ledger, world.act("A-C01"), known)
        for serial, place in enumerate(PLACES):
            settle(found, place, serial * 10 + 1)
        for role in Role:
            world.appoint_without_key(f"M-{role.name}", OWN, role, EARLY)
        announce(world.ledger, found.served.maps, world.act())
        yield found


def settle(service: Service, code: str, serial: int) -> None:
    world = service.world
    one, two, three = (Person(serial + each) for each in range(3))
    world.receive(code, 1_000_000)
    world.receive("C01", 1_000)
    world.allocate("C01", code, 1_000)
    world.file(one, two, three, union=code)
    staff = code
    world.draft(f"PAY-{code}", roster_row(1, one, 80_000), union=code)
    world.review(f"PAY-{code}", f"R-{staff}")
    assert world.approve(f"PAY-{code}", f"A-{staff}").refusal_code is None
    world.draft(f"DRAFT-{code}", roster_row(1, two, 80_000), union=code)
    world.draft(f"CHECK-{code}", roster_row(1, three, 80_000), union=code)
    world.review(f"CHECK-{code}", f"R-{staff}")
    world.sheet(f"SHEET-{code}", Person(serial + 5), union=code)
    period = Period(5, DayUnit.NATURAL, None, 3, "公示办法", "stated")
    opening = Opening(batch_id(f"DRAFT-{code}"), period, "公告栏", "工会办公室")
    open_notice(world.ledger, world.act(f"H-{staff}", TODAY), opening)
    raising = Raising(notice_id(opening.batch_id, 1), 1, "有异议")
    raise_objection(world.ledger, world.act(day=TODAY), raising)
    bank = Bank(world, code, f"13{serial:014d}")
    bank.keep(code)
    before = TODAY - timedelta(days=1)
    bank.take(statement(BEGINS, before, 0, entry(before, 5), account_number=bank.number))
    Bank(world, code, f"14{serial:014d}")
    filed = HandingIn(CAMPAIGN, CHILD[code], "签字表", "ab" * 32)
    hand_in(world.ledger, world.act(f"H-{code}"), filed)
    asked = (Condition("organisation", code),)
    known_to = world.ledger.size() - 1
    with catch_up(world.ledger, world.home.read_models).asking() as model:
        universe = universe_of(model, asked, known_to, None)
    planned = Plan("抽查", code, asked, Method.SIMPLE, 1)
    plan_sample(world.ledger, world.act("U-C01", TODAY), planned, universe)
    subject = Subject(rule="J3", organisation_id=organisation_id(code))
    extent = Extent(count=1, amount_fen=None, since=None)
    taken = cases.Opening(organisation_id(code), subject, "W", extent)
    cases.open_case(world.ledger, world.act("U-C01", TODAY), taken)
    file = OutsideFile("l.csv", f"身份证号码\n{Person(9_001).id_number}\n".encode(), LISTED)
    brought = ListBrought(code, "车管所", TODAY, file)
    take_list(world.ledger, world.act("U-C01", TODAY), brought)
    sending = Sending(code, EARMARK, "ab" * 16, "C01", "跨市2号", 500)
    send_remittance(world.ledger, world.act(f"A-{code}"), sending)


def place_of(service: Service, code: str) -> Place:
    serial = PLACES.index(code) * 10 + 1
    person = service.world.ledger.vault.subject_id("id_number", Person(serial).id_number)
    ids: dict[str, UUID] = {
        "organisation": organisation_id(code),
        "child": organisation_id(CHILD[code]),
        "fund": fund_id(organisation_id(code), EARMARK),
        "batch": batch_id(f"PAY-{code}"),
        "drafted": batch_id(f"DRAFT-{code}"),
        "reviewed": batch_id(f"CHECK-{code}"),
        "sheet": batch_id(f"SHEET-{code}"),
        "payment": disbursement_id(campaign_id(CAMPAIGN), person),
        "person": person,
        "campaign": campaign_id(CAMPAIGN),
        "filing": filing_id(campaign_id(CAMPAIGN), organisation_id(CHILD[code]), "签字表"),
        "officer": officer_id(f"H-{code}"),
        "reviewer": officer_id(f"R-{code}"),
        "approver": officer_id(f"A-{code}"),
        "notice": notice_id(batch_id(f"DRAFT-{code}"), 1),
        "bank": account_of(service, f"13{serial:014d}"),
        "other_bank": account_of(service, f"14{serial:014d}"),
    }
    with catch_up(service.world.ledger, service.world.home.read_models).asking() as model:
        [lot, *_] = appropriations(model, organisation_ids=[ids["organisation"]])
        [given, *_] = allocation_list(model, organisation_ids=[ids["organisation"]])
        [taken] = statement_list(model, ids["bank"])
        [sent, *_] = remittance_list(model, organisation_ids=[ids["organisation"]])
        [sample, *_] = sample_list(model, organisation_ids=[ids["organisation"]])
    ids |= {"lot": lot.lot_id, "allocation": given.allocation_id}
    ids["remittance"] = sent.remittance_id
    ids["sample"] = sample.sample_id
    ids["outside"] = list_id(organisation_id(code), LISTED)
    ids["case"] = case_id(Subject(rule="J3", organisation_id=organisation_id(code)))
    ids["bank_statement"] = taken.statement_id
    named = {name: str(id_) for name, id_ in ids.items()}
    return Place(code, named | {"file": f"DA{serial}"}, serial)


def account_of(service: Service, number: str) -> UUID:
    return bank_account_id(number_index(service.world.ledger, number))


@pytest.fixture(scope="module")
def routes(service: Service) -> dict[str, Dependant]:
    """Return what each endpoint depends on, by method and path."""
    return {
        f"{method} {route.path}": route.dependant
        for route in iter_route_contexts(service.app.routes)
        if getattr(route, "dependant", None) is not None
        for method in route.methods or ()
    }


def rule_of(dependant: Dependant) -> May | Public | None:
    for each in dependant.dependencies:
        if isinstance(each.call, May | Public):
            return each.call
    return None


def ask(service: Service, staff: str, endpoint: str, place: Place) -> Response:
    method, path = endpoint.split(" ")
    asked = ASKED[endpoint]
    me = officer_id(staff) if staff else NOBODYS
    words = asked.path.format(me=me, code=place.code, **place.ids).split()
    query = "&".join(word for word in words if "=" in word)
    for word in (word for word in words if "=" not in word):
        start, end = path.index("{"), path.index("}")
        path = path[:start] + word + path[end + 1 :]
    browser = service.browser(staff)
    address = f"{path}?{query}" if query else path
    if asked.form is not None:
        fields, files = asked.form(place)
        return browser.request(method, address, data=fields, files=files, follow_redirects=False)
    body = asked.body(place) if asked.body is not None else {}
    if method in ("GET", "HEAD", "DELETE"):
        return browser.request(method, address, follow_redirects=False)
    return browser.request(method, address, json=body, follow_redirects=False)


def code_of(answer: Response) -> str:
    if not answer.content or "problem+json" not in answer.headers.get("content-type", ""):
        return ""
    code: str = answer.json()["code"]
    return code


def test_every_endpoint_has_a_rule_and_stands_in_the_table(routes: dict[str, Dependant]) -> None:
    assert sorted(routes) == sorted(ASKED)
    for endpoint, dependant in routes.items():
        assert rule_of(dependant) is not None, f"{endpoint} has no rule"


def test_only_posts_of_business_write_business(routes: dict[str, Dependant]) -> None:
    for endpoint, dependant in routes.items():
        rule = rule_of(dependant)
        if endpoint.startswith("GET") or not isinstance(rule, May) or not rule.roles:
            continue
        for observer in (Role.AUDITOR, Role.INSPECTOR):
            if observer in rule.roles:
                assert endpoint in (
                    "POST /v1/disbursements/{disbursement_id}/unmaskings",
                    "POST /trace/payments/{disbursement_id}/unmasking",
                    "POST /v1/evidence/packs",
                    "POST /v1/jobs/inspection",
                    "POST /reports/inspection",
                    "POST /v1/notices/{notice_id}/objections/{number}/readings",
                    "POST /notices/{notice_id}/objections/{number}/reading",
                    "POST /v1/signature-clusters/{number}/unmaskings",
                    "POST /findings/signatures/{number}",
                    "POST /v1/cases",
                    "POST /v1/cases/{case_id}/assignments",
                    "POST /v1/cases/{case_id}/dismissal",
                    "POST /v1/cases/{case_id}/confirmation",
                    "POST /v1/cases/{case_id}/demands",
                    "POST /v1/cases/{case_id}/closing",
                    "POST /v1/cases/{case_id}/reopening",
                    "POST /cases",
                    "POST /cases/{case_id}/assignments",
                    "POST /cases/{case_id}/verdict",
                    "POST /cases/{case_id}/demands",
                    "POST /cases/{case_id}/closing",
                    "POST /cases/{case_id}/reopening",
                    "POST /v1/outside-lists",
                    "POST /v1/outside-lists/{list_id}/withdrawal",
                    "POST /findings/lists",
                    "POST /findings/lists/{list_id}/withdrawal",
                    "POST /v1/samples",
                    "POST /v1/samples/{sample_id}/draws",
                    "POST /samples/new",
                    "POST /samples/{sample_id}/draw",
                    "POST /v1/searches",
                    "POST /search",
                    "POST /integrity",
                ), endpoint


@pytest.mark.parametrize("endpoint", sorted(ASKED))
def test_who_may(service: Service, routes: dict[str, Dependant], endpoint: str) -> None:
    rule = rule_of(routes[endpoint])
    places = {code: place_of(service, code) for code in PLACES}
    if isinstance(rule, Public):
        assert code_of(ask(service, "", endpoint, places[OWN])) != "access.not_signed_in"
        return
    assert isinstance(rule, May)
    assert ask(service, "", endpoint, places[OWN]).status_code == 401

    for role in Role:
        staff = f"M-{role.name}"
        may = not rule.roles or role in rule.roles
        # Who has not got the post is refused before anybody looks at what it is about.
        for code, place in places.items() if may else ((OWN, places[OWN]),):
            answer = ask(service, staff, endpoint, place)
            service.browsers.pop(staff)  # it may have signed out
            refused = code_of(answer)
            said = f"{endpoint} by {role} at {code}: {answer.status_code} {refused}"
            assert answer.status_code < 500, said
            if not may:
                assert refused in REFUSED_FOR_POST, said
            elif ASKED[endpoint].bound and code == ELSEWHERE:
                assert answer.status_code == 403, said
                assert refused in REFUSED_FOR_PLACE, said
            else:
                assert refused not in REFUSED_FOR_POST | REFUSED_FOR_PLACE, said
