"""Files for the bank of a batch: what they hold, names it cannot write, files not carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from ledger.commands.batches import APPROVERS, payments_in
from ledger.commands.duties import acting_officer, require_post
from ledger.commands.funds import CASHIERS
from ledger.commands.sealing import PAYEE, SPELLING, seal, unseal
from ledger.commands.sent_files import CarriedOut, Debits, Files, Sent
from ledger.commands.unnamed import perform_unnamed, require_unnamed
from ledger.domain.aggregate import OPERATOR
from ledger.domain.batch import (
    Batch,
    FileCarriedOut,
    Row,
    SamePerson,
    SpellingNotWanted,
    SpellingOfAnother,
    batch_id,
)
from ledger.domain.disbursement import (
    AlreadySent,
    Disbursement,
    PaymentObjected,
    Status,
    disbursement_id,
)
from ledger.domain.export import Export
from ledger.domain.policy import Channel
from ledger.domain.values import Money, stable_id
from ledger.errors import Kind, LedgerError
from ledger.files.bank import InstructionFile, InstructionLine
from ledger.files.bank_formats.writing import NAME_NOT_ENCODABLE, is_spelling, odd_places
from ledger.files.banks import FORMATS, rows_max, write_instruction
from ledger.files.faults import FileRefused
from ledger.files.text import person_name
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, Work
from ledger.vault.keys import PersonErased

PURPOSE = "送温暖慰问金"
TOLD_MAX = 5_000
"""Rows that an event names; as many fit an entry of the log."""


class NothingInTransit(LedgerError):
    """Every payment of the batch was answered: a second file would pay people twice."""

    code = "batch.nothing_in_transit"
    kind = Kind.CONFLICT

    def __init__(self, batch: UUID) -> None:
        super().__init__(f"batch {batch} has no payment in transit")


@dataclass(frozen=True, slots=True)
class BankFileOrder:
    """Which batch's payment file is written, why, and for whom: it shows people in clear.

    `payer` are the facts that the bank's format asks of whoever pays.
    """

    batch_code: str
    reason: str = PURPOSE
    made_for: str = ""
    payer: Mapping[str, str] = field(default_factory=dict, repr=False)


def export_batch(ledger: Ledger, act: CommandAct, order: BankFileOrder) -> InstructionFile:
    """Write the bank's payment file for what is in transit; that it was handed over is an event.

    No more than the bank takes in one file: what is left goes into the next, file after file.
    What arrived or came back is not sent again, nor what the bank does not know of: it may have
    been paid, so it is asked after. Whom no file that counts may hold yet, since their data might
    not be used, they were made again or a file was cancelled, is sent alone: the others wait for
    the answer to the file that they were in. Where there is no such row, the last file is written
    once more, unless the bank carried it out.

    Raises:
        WrongStage, WrongChannel: Not an approved card batch.
        SamePerson: Whoever asks drafted, reviewed or approved it, cancelled a file of it, or had
            one of these payments made again.
        NothingInTransit: Every payment of it was answered.
        PaymentObjected: Objections against all that is in transit were upheld. A file for others is
            written, and says which rows they stopped.
        FileCarriedOut: What is still in transit was in a file that the bank carried out.
        AlreadySent: The bank debited it already, as it was made again.
        FileRefused: A fact about the payer is missing, or the bank's charset lacks a character of a
            name: whose names these are is put on record, and `agree_spelling` resolves it.
        PersonErased: Of all that is in transit the recipients' data is gone or restricted. A file
            for others is written without such rows, and which they are is put on record.
    """
    written: list[InstructionFile] = []
    refused: list[FileRefused] = []

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id(order.batch_code))
        require_post(work, act, CASHIERS, batch.organisation_id)
        batch.require_answerable(Channel.BANK_CARD)
        require_unnamed(ledger, batch.people, order.reason, order.made_for)
        sending = _sending(work, act, batch)
        lines, left_out, stopped = sending.lines, sending.left_out, sending.stopped
        refused.clear()
        bank_format = batch.bank_format or ""
        try:
            file = write_instruction(
                bank_format, batch.code, lines, order.payer, act.happened_on, sending.file_number
            )
        except FileRefused as refusal:
            unwritable = unwritable_rows(refusal)
            if not unwritable:
                raise
            batch.miss_names(act, bank_format=bank_format, numbers=unwritable)
            work.save(batch)
            work.refuse(refusal)
            refused.append(refusal)
            return
        batch.leave_out(act, bank_format=bank_format, numbers=left_out)
        batch.export(
            act,
            bank_format=bank_format,
            file_sha256=file.sha256,
            line_count=file.count,
            total=Money(file.total_fen),
            numbers=sending.numbers,
            without=sending.without,
            bank_file_number=sending.file_number,
        )
        handed_over = Export.hand_over(
            act,
            stable_id("export", batch.id, batch.version),
            kind="bank_file",
            subject_id=batch.id,
            people=file.count,
            file_sha256=file.sha256,
            reason=order.reason,
            made_for=order.made_for or bank_format,
        )
        work.save(batch, handed_over)
        written[:] = [replace(file, left_out=left_out, stopped=stopped)]

    # Each time that it is written it is shown to somebody: a repetition is another event.
    anew = replace(act, idempotency_key=None)
    perform_unnamed(ledger, anew, "batch.export", order, batch_id(order.batch_code), decide)
    if refused:
        raise refused[0]
    return written[0]


@dataclass(frozen=True, slots=True)
class _Sending:
    """What a file is to hold: its rows, or else those that it is without.

    `left_out` are rows whose recipients' data may not be used; `stopped` those whose payments an
    upheld objection stopped.
    """

    lines: list[InstructionLine] = field(repr=False)
    numbers: tuple[int, ...] | None
    without: tuple[int, ...] | None
    left_out: tuple[int, ...]
    stopped: tuple[int, ...]
    file_number: int


def _sending(work: Work, act: CommandAct, batch: Batch) -> _Sending:
    """Say what the next file of a batch is to hold.

    Raises:
        NothingInTransit, PaymentObjected, FileCarriedOut, PersonErased, SamePerson: As
            `export_batch` says.
    """
    sent, debits = Sent(work.ledger, batch), Debits(work, batch)
    carried_out = CarriedOut(sent, debits, sent.counting)
    after_all = CarriedOut(sent, debits, sent.every - sent.counting, sent.counting)
    found: list[InstructionLine] = []
    files: dict[int, Files] = {}
    left_out: dict[int, PersonErased] = {}
    addressed = set[int]()
    stopped: dict[int, LedgerError] = {}
    for row, payment in payments_in(work, batch, with_keys=True):
        held_now = sent.now_holding(payment)
        carried_out.look_at(payment, held_now)
        after_all.look_at(payment, held_now)
        if payment.status is not Status.IN_TRANSIT or sent.is_in_doubt(payment):
            continue
        if (stop := _stop(debits, payment)) is not None:
            stopped[row.number] = stop
            continue
        try:
            found.append(_instruction(work, batch, row, payment))
        except PersonErased as cause:  # or restricted
            left_out[row.number] = cause
        files[row.number] = held_now
        if act.actor in payment.reissuers and act.actor != OPERATOR:
            addressed.add(row.number)
    done = carried_out.found | after_all.found
    waiting = [file for held in files.values() for file in held & done]
    wanted, to_write = _to_write(found, files, sent.counting, done)
    lines, numbers, without = _told(batch, to_write)
    if not lines and waiting and not left_out:
        raise FileCarriedOut(batch.id, batch.files[max(waiting)].sha256)
    if not lines and stopped and not left_out:
        raise next(iter(stopped.values()))
    if not lines:
        raise next(iter(left_out.values()), NothingInTransit(batch.id))
    if any(each.number in addressed for each in lines):
        # They said where it goes now: another pays it out.
        raise SamePerson(batch.id, acting_officer(act))
    # Written once more it is the same file to the bank, which then does not carry out both.
    so_far = [file.number for file in batch.files]
    number = so_far[wanted] if wanted >= 0 else max(so_far, default=0) + 1
    objected = [each for each, stop in stopped.items() if isinstance(stop, PaymentObjected)]
    return _Sending(lines, numbers, without, tuple(left_out), tuple(objected), number)


def _stop(debits: Debits, payment: Disbursement) -> LedgerError | None:
    """Return why a payment that is in transit goes into no file, if it does not."""
    if payment.held_on is not None:
        return PaymentObjected(payment.id, payment.held_on)
    return AlreadySent(payment.id) if debits.alone(payment) else None


def _to_write(
    lines: list[InstructionLine], files: Mapping[int, Files], counting: Files, done: Files
) -> tuple[int, list[InstructionLine]]:
    """Return what a file is to hold: what no file may hold yet, or else the last file once more.

    With that file; -1 where there is none.

    Nobody goes into two files that the bank may carry out both: the others wait for the answer to
    the file that they were in, as do all whose file is `done`.
    """
    last = {
        each.number: max(files[each.number] & counting, default=-1)
        for each in lines
        if not files[each.number] & done
    }
    wanted = -1 if -1 in last.values() else max(last.values(), default=-1)
    return wanted, [each for each in lines if last.get(each.number) == wanted]


def _told(
    batch: Batch, lines: list[InstructionLine]
) -> tuple[list[InstructionLine], tuple[int, ...] | None, tuple[int, ...] | None]:
    """Return a file's lines, and its rows or those that it is without, whichever are fewer.

    It holds no more than the bank takes in one. Whom it holds has to be told, so it holds no more
    than can be, either: the rest goes into the next.
    """
    lines = lines[: rows_max(batch.bank_format or "") or None]
    held = [each.number for each in lines]
    without = sorted(batch.rows.keys() - set(held))
    if len(without) <= min(len(held), TOLD_MAX):
        return lines, None, tuple(without)
    return lines[:TOLD_MAX], tuple(held[:TOLD_MAX]), None


@dataclass(frozen=True, slots=True)
class FileCancelling:
    """Which bank file was not carried out, by its hash, and how that is known."""

    batch_code: str
    file_sha256: str
    reason: str


def cancel_bank_file(ledger: Ledger, act: CommandAct, order: FileCancelling) -> Answer:
    """Say that the bank did not carry out a file, and will not (作废): what it held was not sent.

    It goes into the next file, or may be withdrawn; also what the bank refused as seen before
    (重复), by which it carried nothing out. Every copy of it is cancelled but those that
    the bank carried out; another with the same content, written later, counts. Nothing here can
    tell that the bank has not carried out a file, only that it has: whoever says so answers for it,
    and if it did after all, the file counts again.

    Raises:
        FileUnknown: No such file counts.
        FileCarriedOut: The bank answered for a payment that it may hold, or debited it, and no
            other file that counts explains that.
        SamePerson: Whoever says so wrote the file.
        WrongStage, WrongChannel: Not an approved card batch.
    """

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id(order.batch_code))
        require_post(work, act, APPROVERS, batch.organisation_id)
        batch.require_answerable(Channel.BANK_CARD)
        require_unnamed(ledger, batch.people, order.reason)
        files, sent = batch.files_with(order.file_sha256), Sent(ledger, batch)
        carried_out = CarriedOut(sent, Debits(work, batch), files, sent.counting - files)
        carried_out.look_through(payment for _, payment in payments_in(work, batch))
        if carried_out.is_known:
            raise FileCarriedOut(batch.id, order.file_sha256)
        batch.cancel_file(act, files - carried_out.found, reason=order.reason)
        work.save(batch)

    subject = batch_id(order.batch_code)
    return perform_unnamed(ledger, act, "batch.cancel_file", order, subject, decide)


@dataclass(frozen=True, slots=True)
class SpellingAgreement:
    """How the bank's file is to spell the name of a row, and on what ground: the bank's word."""

    batch_code: str
    number: int
    spelling: str = field(repr=False)
    ground: str


def agree_spelling(ledger: Ledger, act: CommandAct, order: SpellingAgreement) -> Answer:
    """Resolve a name that a bank's charset lacks characters of, by a spelling the bank agreed to.

    What the bank can write of the name has to stay. The bank's answer may name either spelling.

    Raises:
        SpellingNotWanted: No such row, or the bank can write its name.
        SpellingOfAnother: It changes more than the bank cannot write, or cannot be written itself.
        WrongStage, WrongChannel, SamePerson: As for writing the file.
        PersonErased: The recipient's data is gone.
    """

    def decide(work: Work) -> None:
        batch = work.get(Batch, batch_id(order.batch_code))
        require_post(work, act, CASHIERS, batch.organisation_id)
        batch.require_answerable(Channel.BANK_CARD)
        row = batch.rows.get(order.number)
        if row is None:
            raise SpellingNotWanted(batch.id, order.number)
        require_unnamed(ledger, {row.person_id}, order.ground)
        template = FORMATS[batch.bank_format or ""]
        name = name_of(work, batch, row)
        if not odd_places(template, name):
            raise SpellingNotWanted(batch.id, order.number)
        spelling = person_name(order.spelling)
        if not is_spelling(template, name, spelling):
            raise SpellingOfAnother(batch.id, order.number)
        sealed = seal(work, row.person_id, SPELLING, {"name": spelling})
        batch.agree_spelling(act, number=row.number, spelling=sealed, ground=order.ground)
        work.save(batch)

    subject = batch_id(order.batch_code)
    return perform_unnamed(ledger, act, "batch.agree_spelling", order, subject, decide)


def name_of(work: Work, batch: Batch, row: Row) -> str:
    """Return whom a row's payment is for, as the roster or a later payment says it."""
    payment = work.get(Disbursement, disbursement_id(batch.campaign_id, row.person_id))
    return unseal(work.ledger, row.person_id, PAYEE, payment.payee).get("name", "")


def spelt(ledger: Ledger, batch: Batch, row: Row, name: str) -> str:
    """Return the name as the bank is to have it: as it is, or as was agreed on for this name."""
    sealed = batch.spellings.get(row.number)
    template = FORMATS.get(batch.bank_format or "")
    if sealed is None or template is None:
        return name
    spelling = unseal(ledger, row.person_id, SPELLING, sealed)["name"]
    return spelling if is_spelling(template, name, spelling) else name


def unwritable_rows(refusal: FileRefused) -> tuple[int, ...]:
    """Return the rows whose names alone stop a file; none where anything else does."""
    if any(each.code != NAME_NOT_ENCODABLE or each.column for each in refusal.faults):
        return ()
    return tuple(each.row for each in refusal.faults if each.row is not None)


def may_be_sent(work: Work, batch: Batch, payment: Disbursement) -> bool:
    """Say whether the bank may have been sent a payment as it was instructed last.

    A file that was written since then may hold it and counts, or was carried out after all; or the
    bank debited it by itself. Or none was ever written here, and the bank debited the batch or
    answered all the same: it was sent in another way.
    """
    if batch.channel is not Channel.BANK_CARD:
        return False
    debits = Debits(work, batch)
    if not batch.files:
        return debits.of(payment) is not None or _was_answered(work, batch)
    sent = Sent(work.ledger, batch)
    holding = sent.now_holding(payment)
    if holding & sent.counting or debits.alone(payment):
        return True
    after_all = CarriedOut(sent, debits, holding, sent.counting)
    after_all.look_through(each for _, each in payments_in(work, batch))
    return bool(after_all.found)


def _was_answered(work: Work, batch: Batch) -> bool:
    return any(payment.answered for _, payment in payments_in(work, batch))


def _instruction(work: Work, batch: Batch, row: Row, payment: Disbursement) -> InstructionLine:
    """Return the line of a payment that is on its way.

    Raises:
        PersonErased: The recipient's data is gone, or may not be used.
    """
    payee = unseal(work.ledger, row.person_id, PAYEE, payment.payee)
    return InstructionLine(
        number=row.number,
        account=payee.get("card_number", ""),
        name=spelt(work.ledger, batch, row, payee.get("name", "")),
        id_number=payee.get("id_number", ""),
        phone=payee.get("phone", ""),
        amount_fen=row.amount,
        purpose=PURPOSE,
        bank=payee.get("bank_name", ""),
    )
