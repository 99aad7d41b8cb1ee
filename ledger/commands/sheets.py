"""Paper sheets: printed with a code for each row, signed by hand, scanned, and matched by row."""

from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from uuid import UUID

from ledger.commands.disbursements import SignedRowUnknown, payment_of_row, witnessed_batch
from ledger.commands.duties import acting_officer
from ledger.commands.likeness import compare, traits_of_picture
from ledger.commands.sealing import PAYEE, SIGNATURE, seal, unseal
from ledger.commands.signatures import claim_signature
from ledger.commands.unnamed import perform_unnamed, require_unnamed
from ledger.domain.batch import Batch, SeenRow, batch_id
from ledger.domain.disbursement import (
    AnotherWitness,
    DatedBackwards,
    Disbursement,
    Manner,
    NotInTransit,
    PaymentObjected,
    PaymentWithdrawn,
    SignatureWaits,
    Status,
)
from ledger.domain.export import Export
from ledger.domain.organisation import Organisation
from ledger.domain.signature import SignatureReused
from ledger.domain.values import stable_id
from ledger.errors import Kind, LedgerError
from ledger.files.scans import Ink, Scan, ScannedPage, ScannedRow
from ledger.files.sheet import Sheet, SheetFile, SheetRow, write_sheet
from ledger.files.sheet_codes import PAGE_ITSELF
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work
from ledger.vault.keys import PersonErased

DEVICE = "scanner"
GONE = "（已删除）"
"""In place of the name of somebody who was erased or restricted: the sheet still adds up."""

LEFT_OUT: Mapping[Status, str] = {Status.SIGNED: "已签领", Status.WITHDRAWN: "已撤销"}
"""What a printed sheet says of rows that it is without."""

NO_CODE, FOREIGN, OTHER_BATCH, BENT = "no_code", "foreign", "other_batch", "bent"
"""What is seen of a page itself."""
REPEATED, PAID, UNKNOWN, REUSED, ERASED = "repeated", "paid", "unknown", "reused", "erased"
WITHDRAWN, OBJECTED, DATED_BEFORE = "withdrawn", "objected", "dated_before"
WAITS, WAITS_ELSEWHERE = "waits", "waits_elsewhere"
"""What is seen of a row that is not taken, beside `Ink`."""
NOT_TAKEN: Mapping[type[LedgerError], str] = {
    SignedRowUnknown: UNKNOWN,
    PaymentWithdrawn: WITHDRAWN,
    PaymentObjected: OBJECTED,
    NotInTransit: PAID,
    AnotherWitness: WAITS_ELSEWHERE,
    SignatureWaits: WAITS,
    DatedBackwards: DATED_BEFORE,
    PersonErased: ERASED,
    SignatureReused: REUSED,
}
"""What is said of a row whose ink counts for nothing, by the first kind of refusal that it is."""


class NoSheetCodes(LedgerError):
    """No page of the file carries a code that was printed here."""

    code = "scan.no_codes"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("no code of a printed sheet can be read on any page")


class NothingToSign(LedgerError):
    """A sheet is printed for those who are still to sign, and nobody is."""

    code = "sheet.nothing_to_sign"
    kind = Kind.CONFLICT

    def __init__(self, batch: UUID) -> None:
        super().__init__(f"no row of batch {batch} is still to be signed")


class ScanOfOtherBatch(LedgerError):
    """All that can be read belongs to other batches."""

    code = "scan.other_batch"
    kind = Kind.INVALID

    def __init__(self, batch: UUID) -> None:
        super().__init__(f"no page is of batch {batch}: the codes are other batches'")


@dataclass(frozen=True, slots=True)
class SheetOrder:
    """Which sheet is printed, why, and for whom: it shows people in clear."""

    batch_code: str
    title: str
    reason: str
    made_for: str


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """A scan of signed pages; they were signed on the day of the act."""

    batch_code: str
    scan: Scan = field(repr=False)


def print_sheet(
    ledger: Ledger, act: CommandAct, order: SheetOrder, key: bytes, in_words: Callable[[int], str]
) -> SheetFile:
    """Write what is still to be signed of an approved batch for printing; it is on record.

    Whoever signed, was paid or is not to be paid any more stands on it no more: at the table they
    would sign and be paid again. How many they are is said on each page. Rows keep their numbers.

    Args:
        ledger: The log and the vault.
        act: Who prints it.
        order: Which, why, and for whom.
        key: What the codes are made with.
        in_words: Writes an amount in fen as vouchers carry it.

    Raises:
        NothingToSign: No row is still to be signed.
        WrongStage, WrongChannel, RoleMissing, OfficerRequired: As they say.
    """
    written: list[SheetFile] = []

    def decide(work: Work) -> None:
        batch = witnessed_batch(work, act, order.batch_code)
        require_unnamed(ledger, batch.people, order.reason, order.made_for)
        payments = [payment_of_row(work, batch, number) for number in sorted(batch.rows)]
        standing = [(each, _standing(each)) for each in payments]
        rows = [_row(work, each) for each, left_out in standing if left_out is None]
        if not rows:
            raise NothingToSign(batch.id)
        without = Counter(left_out for _, left_out in standing if left_out is not None)
        file = write_sheet(
            Sheet(
                batch.id,
                batch.code,
                title=order.title,
                facts=_facts(work, act, batch, without),
                rows=rows,
                total_in_words=in_words(sum(row.amount_fen for row in rows)),
                foot=_foot(ledger, batch),
            ),
            key,
            datetime.fromisoformat(act.recorded_at).astimezone(UTC),
        )
        work.save(
            Export.hand_over(
                act,
                stable_id("export", batch.id, act.actor, act.recorded_at),
                kind="signature_sheet",
                subject_id=batch.id,
                people=len(rows),
                file_sha256=file.sha256,
                reason=order.reason,
                made_for=order.made_for,
            )
        )
        written[:] = [file]

    # Each time that it is printed it is shown to somebody: a repetition is another event.
    anew = replace(act, idempotency_key=None)
    perform_unnamed(ledger, anew, "sheet.print", order, batch_id(order.batch_code), decide)
    return written[0]


def take_scan(ledger: Ledger, act: CommandAct, order: ScanOrder) -> Answer:
    """Take in a scan: each row with ink in its box waits for the witness to certify it.

    What was seen of every row and page is put on record, the boxes are sealed under each person's
    own key. The result counts `rows` by what was seen.

    A row where another signature waits already is not taken where that was given under another
    officer's eyes, or where what stands in the box may be none; nor is one of which something is
    on record since the day of the act.

    Raises:
        ScanKnown: The same file was taken in before.
        NoSheetCodes, ScanOfOtherBatch: Nothing on it is of this batch.
        WrongStage, WrongChannel, RoleMissing, OfficerRequired: As they say.
    """

    def decide(work: Work) -> None:
        batch = witnessed_batch(work, act, order.batch_code)
        batch.require_new_scan(order.scan.sha256)
        _require_own_pages(batch, order.scan)
        seen: list[SeenRow] = []
        for page in order.scan.pages:
            seen += _take_page(work, act, batch, order.scan, page, seen)
        batch.take_scan(
            act,
            file_sha256=order.scan.sha256,
            page_count=len(order.scan.pages),
            scanned_by=acting_officer(act),
            seen=tuple(seen),
        )
        work.save(batch)
        counts: dict[str, int] = {}
        for each in seen:
            counts[each.seen] = counts.get(each.seen, 0) + 1
        work.result.update(file_sha256=order.scan.sha256, rows=counts)

    request = (order.batch_code, order.scan.sha256)
    return ledger.perform(act, "sheet.take_scan", request, decide)


def _require_own_pages(batch: Batch, scan: Scan) -> None:
    codes = [code for page in scan.pages for code in page.codes]
    if not codes:
        raise NoSheetCodes
    if not any(code.is_of(batch.id) for code in codes):
        raise ScanOfOtherBatch(batch.id)


def _take_page(
    work: Work,
    act: CommandAct,
    batch: Batch,
    scan: Scan,
    page: ScannedPage,
    before: Sequence[SeenRow],
) -> list[SeenRow]:
    """Take in a page of a scan, and say what was seen of it and of its rows."""
    seen: list[SeenRow] = []
    if any(not code.is_of(batch.id) for code in page.codes):
        seen.append(SeenRow(page=page.page, number=PAGE_ITSELF, seen=OTHER_BATCH))
    if page.foreign:
        seen.append(SeenRow(page=page.page, number=PAGE_ITSELF, seen=FOREIGN))
    elif not page.codes:
        seen.append(SeenRow(page=page.page, number=PAGE_ITSELF, seen=NO_CODE))
    if page.bent:
        seen.append(SeenRow(page=page.page, number=PAGE_ITSELF, seen=BENT))
    # A page laid on the glass again because it was not signed, or lay badly, is no repetition.
    known = {each.number for each in before if each.seen not in (Ink.EMPTY, Ink.CUT)}
    for row in page.rows:
        if row.code.is_of(batch.id):
            what = REPEATED if row.code.number in known else _take_row(work, act, batch, scan, row)
            seen.append(SeenRow(page=page.page, number=row.code.number, seen=what))
    return seen


def _take_row(work: Work, act: CommandAct, batch: Batch, scan: Scan, row: ScannedRow) -> str:
    """Keep what stands in a row's box, and return what was seen of it."""
    if row.ink in (Ink.EMPTY, Ink.CUT):
        return row.ink
    digest = sha256(row.image).hexdigest()
    try:
        payment = payment_of_row(work, batch, row.code.number)
        image = {"image": b64encode(row.image).decode()}
        payment.capture_signature(
            act,
            own_name=True,  # the name is printed beside the box; the witness looks at it
            manner=Manner.SCANNED,
            drawing=seal(work, payment.person_id, SIGNATURE, image),
            image_sha256=digest,
            strokes_sha256=None,
            sheet_sha256=scan.sha256,
            device=DEVICE,
            started_at=act.happened_on.isoformat(),
            ended_at=act.happened_on.isoformat(),
            witness_id=acting_officer(act),
            sure=row.ink is Ink.SIGNED,
        )
        claim = claim_signature(work, act, digest, payment.id)
    except tuple(NOT_TAKEN) as refusal:
        return next(word for kind, word in NOT_TAKEN.items() if isinstance(refusal, kind))
    work.save(payment)
    compare(work, act, claim, payment.person_id, traits_of_picture(row.image))
    return row.ink


def _standing(payment: Disbursement) -> str | None:
    """Say why a row is not to be signed on paper; None: it is."""
    if payment.is_stopped:
        return "异议成立，停止发放"
    if payment.status is Status.IN_TRANSIT:
        return None if payment.captured is None else "已签字待签认"
    return LEFT_OUT.get(payment.status, "不再发放")


def _row(work: Work, payment: Disbursement) -> SheetRow:
    try:
        payee = unseal(work.ledger, payment.person_id, PAYEE, payment.payee)
    except PersonErased:
        payee = {"name": GONE}
    said = {name: payee.get(name, "") for name in ("name", "id_number", "phone", "reason")}
    return SheetRow(number=payment.number, amount_fen=payment.amount, **said)


def _facts(
    work: Work, act: CommandAct, batch: Batch, without: Mapping[str, int]
) -> list[tuple[str, str]]:
    organisation = work.get(Organisation, batch.organisation_id)
    categories = "、".join(sorted({row.category for row in batch.rows.values()}))
    return [
        ("单位", f"{organisation.name}（{organisation.code}）"),
        ("批次", batch.code),
        ("类别", categories),
        ("制表日期", act.happened_on.isoformat()),
        *(("未列入", f"{why} {count} 行") for why, count in sorted(without.items())),
    ]


def _foot(ledger: Ledger, batch: Batch) -> str:
    size, root = 0, ""
    found = ledger.log.select_checkpoint()
    if found is not None:
        size = found[0]
        root = found[1].split("\n")[2]
    return f"{ledger.origin} · 检查点 {size} 条 · 根 {root} · 名册 {batch.list_sha256[:16]}"
