"""The archive of recipients, and what may be done with their personal data."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger.commands.duties import (
    OfficerRequired,
    acting_officer,
    recording_day,
    require_post,
    require_post_anywhere,
)
from ledger.commands.lineage import lineage
from ledger.commands.sealing import ARCHIVE_FILE, PAYEE, card_index, person_id, seal, unseal
from ledger.commands.unnamed import perform_unnamed, require_unnamed
from ledger.domain.administration import Administration, administration_id
from ledger.domain.disbursement import Disbursement
from ledger.domain.officer import Officer, Role, RoleMissing
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.recipient import (
    AlreadyErased,
    ArchiveFile,
    Change,
    FileDatesBackwards,
    FileElsewhere,
    Recipient,
    RequesterLeft,
)
from ledger.files.archive import ArchiveRow
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger, NotOnRecord, Work
from ledger.vault.keys import PersonErased

KEEPERS = frozenset({Role.HANDLER})
"""Who keeps the archive of recipients."""

ASKING = frozenset({Role.HANDLER, Role.REVIEWER})
DECIDING = frozenset({Role.APPROVER})
"""Who asks that a person's data be restricted or erased, and who decides."""

MAY_UNMASK = (Role.AUDITOR, Role.INSPECTOR, Role.CASHIER, Role.HANDLER)


class Entered(StrEnum):
    """What became of a row of the archive that stands."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


def enter_archive(ledger: Ledger, act: CommandAct, entries: Sequence[ArchiveRow]) -> Answer:
    """Enter files of the archive, each on the day that it was opened (and closed).

    A file that is known is left as it is, or closed if it is closed now. The result's `refused`
    lists `{line, code}` of those that do not stand; the others are stored, and counted as `new`,
    `changed` (closed now) or `same`.
    """

    def decide(work: Work) -> None:
        refused = []
        came_of_it = dict.fromkeys(Entered, 0)
        for entry in entries:
            try:
                came_of_it[_enter(work, act, entry)] += 1
            except (
                AlreadyErased,
                PersonErased,
                NotOnRecord,
                FileDatesBackwards,
                FileElsewhere,
                RoleMissing,
            ) as refusal:
                refused.append({"line": entry.line, "code": refusal.code})
        counts = {each.value: count for each, count in came_of_it.items()}
        work.result.update(entered=len(entries) - len(refused), refused=refused, **counts)

    return ledger.perform(act, "archive.enter", entries, decide)


def close_file(
    ledger: Ledger, act: CommandAct, person: UUID, file_number: str, reason: str
) -> Answer:
    """Close a file on the day of the act (脱困, 退休, 调离, 死亡).

    Raises:
        NotOnRecord, FileUnknown, FileDatesBackwards, PersonalDataInText, PersonNamedInText: As
            they say.
    """

    def decide(work: Work) -> None:
        recipient = work.get(Recipient, person)
        file = recipient.files.get(file_number)
        if file is not None:
            require_post(work, act, KEEPERS, file.organisation_id)
        require_unnamed(ledger, {person}, reason)
        recipient.close_file(act, file_number=file_number, reason=reason)
        work.save(recipient)

    request = (person, file_number, reason)
    return perform_unnamed(ledger, act, "archive.close_file", request, person, decide)


def unmask_payee(
    ledger: Ledger, act: CommandAct, disbursement: UUID, fields: Sequence[str], reason: str
) -> dict[str, str]:
    """Return personal fields of a payment's recipient in clear; that it was done is an event.

    Raises:
        OfficerRequired, RoleMissing: The actor holds no role that may see personal data.
        PersonErased: There is nothing to see any more.
    """
    require_may_unmask(ledger, act, disbursement)
    payment = ledger.load(Disbursement, disbursement)
    if payment is None:
        raise NotOnRecord("disbursement", disbursement)
    clear = unseal(ledger, payment.person_id, PAYEE, payment.payee)

    def decide(work: Work) -> None:
        require_post(work, act, MAY_UNMASK, payment.organisation_id)
        require_unnamed(ledger, {payment.person_id}, reason)
        recipient = _known(
            work, act, payment.person_id, clear["id_number"], payment.organisation_id
        )
        recipient.unmask(act, fields=tuple(fields), reason=reason)
        work.save(recipient)

    # First the event, then the answer: nobody has seen what is not on record. A repetition is shown
    # again, so it is judged and recorded again too.
    anew = replace(act, idempotency_key=None)
    request = (disbursement, fields, reason)
    perform_unnamed(ledger, anew, "recipient.unmask", request, disbursement, decide)
    return {name: clear[name] for name in fields if name in clear}


def require_may_unmask(ledger: Ledger, act: CommandAct, subject: UUID) -> None:
    """Check that the actor holds a role that may see personal data.

    Raises:
        OfficerRequired, RoleMissing: They do not.
    """
    officer_id = acting_officer(act)
    officer = ledger.load(Officer, officer_id)
    if officer is None or not any(
        officer.holds(role, {tenure.organisation_id}, act.happened_on)
        for tenure in officer.tenures
        for role in MAY_UNMASK
    ):
        raise RoleMissing(officer_id, "|".join(MAY_UNMASK), subject, act.happened_on)


def request_change(
    ledger: Ledger,
    act: CommandAct,
    person: UUID,
    change: Change,
    reason: str,
    overriding: str = "",
    *,
    known_at: Collection[UUID] = (),
) -> Answer:
    """Ask that a person's data be restricted, released or erased; another officer decides.

    Args:
        ledger: The log and the vault.
        act: Who asks.
        person: Whose data.
        change: What is asked for.
        reason: Why.
        overriding: The order that goes before the retention of thirty years, for an erasure.
        known_at: The organisations that paid or listed them; who asks has a post over all of them.

    Raises:
        NotOnRecord: Nobody of this id was ever filed, unmasked, paid or listed.
        AlreadyErased, RoleMissing: As they say.
    """

    def decide(work: Work) -> None:
        recipient = work.find(Recipient, person)
        if recipient is None:
            if not known_at:
                raise NotOnRecord(Recipient.TOPIC, person)
            # Who is paid by their sheet alone has data here, and was never filed nor unmasked.
            recipient = Recipient.register(act, person, id_index="")
        _require_post_over(work, act, _places(recipient, known_at), ASKING)
        require_unnamed(ledger, {person}, reason, overriding)
        recipient.request(
            act,
            change=change,
            requested_by=acting_officer(act),
            reason=reason,
            overriding=overriding,
        )
        work.save(recipient)

    request = (person, change, reason, overriding)
    return perform_unnamed(ledger, act, "recipient.request_change", request, person, decide)


def decide_change(
    ledger: Ledger,
    act: CommandAct,
    person: UUID,
    change: Change,
    last_paid: date | None = None,
    *,
    on_its_way: bool = False,
    known_at: Collection[UUID] = (),
    request: int | None = None,
) -> Answer:
    """Carry out what another officer asked for. Safe to repeat after a crash, under its key.

    Args:
        ledger: The log and the vault.
        act: Who decides.
        person: Whose data.
        change: What was asked for.
        last_paid: The day of their last payment, if there is one, from which retention counts.
        on_its_way: Whether a payment to them has not been answered yet.
        known_at: The organisations that paid or listed them; who decides, and who asked, has a post
            over all of them.
        request: Position of the request that is decided; None: of whichever was made last.

    Raises:
        NotOnRecord, NotRequested, RequestChanged, RequesterLeft, SamePersonDecides, RetentionRuns,
            PaymentOnItsWay, AlreadyErased, RoleMissing: As they say.
    """
    version = None if request is None else _version_at(ledger, person, request)

    def decide(work: Work) -> None:
        recipient = work.get(Recipient, person)
        places = _places(recipient, known_at)
        _require_post_over(work, act, places, DECIDING)
        _require_asker(work, act, recipient, change, places)
        recipient.decide(
            act,
            change=change,
            decided_by=acting_officer(act),
            request_version=version,
            last_paid=last_paid,
            on_its_way=on_its_way,
        )
        work.save(recipient)

    named = () if request is None else (request,)
    answer = ledger.perform(act, "recipient.decide_change", (person, change, *named), decide)
    if not act.dry_run:
        # A crash before this line leaves the event, and a key that a repetition puts away.
        _carry_out(ledger, person)
    return answer


def _carry_out(ledger: Ledger, person: UUID) -> None:
    """Bring the vault to what the log says of a person by now.

    Others may have decided something else since. Whoever acts last looks again afterwards, so that
    in the end the vault is as the last decision says, in whatever order they come.
    """
    carry_out = {
        Change.RESTRICT: ledger.vault.restrict,
        Change.LIFT: ledger.vault.lift,
        Change.ERASE: ledger.vault.forget,
    }
    done = None
    while (now := _standing(ledger, person)) is not done:
        carry_out[now](person)
        done = now


def _standing(ledger: Ledger, person: UUID) -> Change:
    recipient = ledger.load(Recipient, person)
    if recipient is None:
        raise NotOnRecord(Recipient.TOPIC, person)
    if recipient.erased:
        return Change.ERASE
    return Change.RESTRICT if recipient.restricted else Change.LIFT


def erase_person(
    ledger: Ledger, act: CommandAct, person: UUID, reason: str, *, on_its_way: bool = False
) -> Answer:
    """Destroy a person's data key. The log still verifies, the figures still add up.

    The operator may where no administrators were made; elsewhere two officers decide, and the
    operator may only carry out again what they decided. Safe to repeat: a crash after the event and
    before the key is gone is made good by a repetition.

    Args:
        ledger: The log and the vault.
        act: Who and when.
        person: Whose data.
        reason: Why; it stands in the log.
        on_its_way: Whether a payment to them has not been answered yet.

    Raises:
        OfficerRequired: Nobody has decided it.
        PaymentOnItsWay: What is on its way arrives or comes back first.
    """

    def decide(work: Work) -> None:
        recipient = work.find(Recipient, person)
        if recipient is None:
            recipient = Recipient.register(act, person, id_index="")
        if not recipient.erased:
            if work.find(Administration, administration_id()) is not None:
                raise OfficerRequired(act.actor)
            require_unnamed(ledger, {person}, reason)
            recipient.erase(act, reason=reason, on_its_way=on_its_way)
            work.save(recipient)

    answer = perform_unnamed(ledger, act, "recipient.erase", (person, reason), person, decide)
    if not act.dry_run:
        ledger.vault.forget(person)
    return answer


def _places(recipient: Recipient, known_at: Collection[UUID]) -> set[UUID]:
    """Return every union whose person they are, or were: what is done to their data is done to all.

    Of files alone, a union that opens one would decide on people whom another pays without.
    """
    files = {file.organisation_id for file in recipient.files.values()}
    came_by = set() if recipient.organisation_id is None else {recipient.organisation_id}
    return {*files, *came_by, *known_at}


def _require_post_over(
    work: Work, act: CommandAct, places: Collection[UUID], roles: frozenset[Role]
) -> None:
    """Check the post at each place; of whom no union is known to have, anywhere."""
    if not places:
        require_post_anywhere(work, act, roles)
    for place in sorted(places):
        require_post(work, act, roles, place)


def _require_asker(
    work: Work, act: CommandAct, recipient: Recipient, change: Change, places: Collection[UUID]
) -> None:
    """Check that whoever asked could still ask on the day that it is decided.

    Raises:
        RequesterLeft: They could not.
    """
    asked = recipient.requests.get(change)
    if asked is None or not act.signed_in or asked.officer_id == acting_officer(act):
        return
    asker, day = work.get(Officer, asked.officer_id), recording_day(act)
    lines = [set(lineage(work, place, day)) for place in places]
    anywhere = {tenure.organisation_id for tenure in asker.tenures}
    for line in lines or [anywhere]:
        if not any(asker.holds(role, line, day) for role in ASKING):
            raise RequesterLeft(recipient.id, asked.officer_id)


def _version_at(ledger: Ledger, person: UUID, position: int) -> int:
    """Return which event of a person stands at a position; 0, which is no request, if none does."""
    for _, event in ledger.read(position, 1):
        if isinstance(event, Recipient.ChangeRequested) and event.originator_id == person:
            return event.originator_version
    return 0


def _enter(work: Work, act: CommandAct, entry: ArchiveRow) -> Entered:
    ledger = work.ledger
    if entry.closed_on is not None and entry.closed_on < entry.opened_on:
        # Said before anything is filed: another row of this person may stand and be saved.
        raise FileDatesBackwards(entry.file_number, entry.opened_on, entry.closed_on)
    organisation = work.get(Organisation, organisation_id(entry.organisation_code))
    require_post(work, act, KEEPERS, organisation.id)
    person = person_id(ledger, entry.id_number)
    opening = replace(act, happened_on=entry.opened_on)
    recipient = _known(work, opening, person, entry.id_number, organisation.id)
    known = recipient.files.get(entry.file_number)
    if known is None:
        _file(work, opening, recipient, organisation.id, entry)
    elif known.organisation_id != organisation.id:
        _require_keeper(work, act, recipient, known)
    closed_on = entry.closed_on if known is None or known.closed_on is None else None
    if closed_on is not None:
        closing = replace(act, happened_on=closed_on)
        recipient.close_file(closing, file_number=entry.file_number, reason="archive")
    work.save(recipient)
    if known is None:
        return Entered.NEW
    return Entered.SAME if closed_on is None else Entered.CHANGED


def _require_keeper(work: Work, act: CommandAct, recipient: Recipient, file: ArchiveFile) -> None:
    """Check the post where a file is kept, which the row names otherwise.

    Raises:
        FileElsewhere: It is another union's, and which is not said.
    """
    try:
        require_post(work, act, KEEPERS, file.organisation_id)
    except RoleMissing:
        raise FileElsewhere(recipient.id, file.file_number) from None


def _file(
    work: Work, act: CommandAct, recipient: Recipient, organisation: UUID, entry: ArchiveRow
) -> None:
    income = entry.monthly_income_fen
    details = {
        "name": entry.name,
        "id_number": entry.id_number,
        "phone": entry.phone,
        "reason": entry.reason,
        "bank_name": entry.bank_name,
        "card_number": entry.card_number,
        "monthly_income_fen": "" if income is None else str(income),
    }
    recipient.file(
        act,
        file_number=entry.file_number,
        organisation_id=organisation,
        category=entry.category,
        details=seal(work, recipient.id, ARCHIVE_FILE, details),
        card_index=card_index(work.ledger, entry.card_number),
    )


def _known(
    work: Work, act: CommandAct, person: UUID, id_number: str, organisation: UUID
) -> Recipient:
    found = work.find(Recipient, person)
    if found is None:
        index = work.ledger.vault.index("id_number", id_number)
        found = work.touched[person] = Recipient.register(
            act, person, id_index=index, organisation_id=organisation
        )
    return found
