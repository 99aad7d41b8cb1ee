"""Where in a clerk's file a job found fault: each by its cell, in words."""

from collections.abc import Mapping
from typing import Any

from api.background.jobs import Job
from api.background.work import ARCHIVE, ARCHIVE_TRIAL, ROSTER, ROSTER_TRIAL
from api.web.language import N_, Language
from api.web.words import fault_words
from ledger.files import archive, roster
from ledger.files.annotated import Mark
from ledger.files.columns import Fields, Layout
from ledger.files.faults import TEXTS

ID, CATEGORY, AMOUNT = "id_number", "category", "amount"

FIELDS: Mapping[str, Fields] = {
    ROSTER: roster.FIELDS,
    ROSTER_TRIAL: roster.FIELDS,
    ARCHIVE: archive.FIELDS,
    ARCHIVE_TRIAL: archive.FIELDS,
}
"""What a list may hold, by the kind of the upload or job."""

SAID = (
    N_("序号"),
    N_("姓名"),
    N_("身份证号码"),
    N_("联系电话"),
    N_("类别"),
    N_("困难原因"),
    N_("开户行"),
    N_("银行卡号"),
    N_("金额"),
    N_("备注"),
    N_("档案编号"),
    N_("单位编码"),
    N_("月人均收入(元)"),
    N_("建档日期"),
    N_("退档日期"),
)
"""The words of those fields, which pages say in the officer's language."""

LOOK_AT: Mapping[str, str] = {
    "archive.not_on_file": ID,
    "archive.closed": ID,
    "model_worker.income_above_line": ID,
    "person.duplicate_in_campaign": ID,
    "recipient.erased": ID,
    "vault.person_erased": ID,
    "channel.card_required": CATEGORY,
    "roster.total_mismatch": AMOUNT,
    "roster.total_missing": AMOUNT,
    "duty.role_missing": "单位编码",
    "ledger.not_on_record": "单位编码",
    "archive.dates_backwards": "退档日期",
}
"""The field that a clerk looks at where a rule names none: a field's key, or its own word."""


def marks_of(job: Job, layout: Layout | None, language: Language) -> list[Mark]:
    """Return what a job found wrong with rows and cells, in the order of the file."""
    fields = FIELDS[job.kind]
    columns = {} if layout is None else layout.columns
    refused: list[dict[str, Any]] = (job.result or {}).get("result", {}).get("refused", [])
    found = [(each["line"], each.get("field"), each["code"]) for each in refused]
    found += [(each.get("row"), each.get("column"), each["code"]) for each in job.faults]
    found = [each for each in found if each[2] in TEXTS]
    return [
        _mark(line or None, field, code, fields, columns, language)
        for line, field, code in sorted(found, key=lambda each: each[0] or 0)
    ]


def _mark(
    line: int | None,
    word: str | None,
    code: str,
    fields: Fields,
    columns: Mapping[str, int],
    language: Language,
) -> Mark:
    key = next((key for key, each in fields.words.items() if each == word), None)
    if key is None:
        wanted = LOOK_AT.get(code)
        # The archive calls its fields by their words, a roster by keys; a key has its word there.
        key = wanted if wanted in fields.words else _named(wanted, fields)
    shown = "" if key is None else language.say(fields.words[key])
    return Mark(line, columns.get(key or ""), shown, code, fault_words(language, code))


def _named(key: str | None, fields: Fields) -> str | None:
    word = roster.FIELDS.words.get(key or "")
    return word if word in fields.words else None
