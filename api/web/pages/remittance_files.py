"""Files of other ledgers: what each says is shown before anything is decided on it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile
from sqlalchemy import Connection

from api.acting import Acting, Prepared, Signed, TheActing, prepared
from api.background.imports import Facts
from api.background.running import TheBackground
from api.callers import APPROVE, CASH, REMIT, Caller, TheCaller
from api.dependencies import TheLedger, TheReadModel, TheServed
from api.remitting import proof_in
from api.uploads import filename_of, whole
from api.v1 import forms
from api.v1.written import NamedRemittance, Written, written
from api.web.bank_asked import fen_of
from api.web.language import N_
from api.web.posted import TheActingOnPage, done
from api.web.refused import show_above
from api.web.screen import Screen, TheScreen
from ledger.commands.funds import CASHIERS
from ledger.commands.policies import APPROVERS
from ledger.commands.remittance_proofs import Said, said_by
from ledger.commands.remittances import (
    acknowledge_remittance,
    prepare_refusal,
    receive_remittance,
    refuse_remittance,
    take_back_remittance,
)
from ledger.domain.organisation import Organisation, organisation_id
from ledger.domain.remittance import REASON_CHARACTERS_MAX, Remittance, State
from ledger.errors import LedgerError
from ledger.evidence.pack import Pack
from ledger.store.application import Answer, Ledger
from projections.remittances import known_ledgers

router = APIRouter(include_in_schema=False)

KIND, PAGE, BRINGING = "remittance", "remittances/file.html", "remittances/bring.html"

Amount = Annotated[str, Form(max_length=30)]


class Refusing(forms.Form):
    reason: Annotated[str, forms.Field(max_length=REASON_CHARACTERS_MAX)]


class SignedRefusing(Refusing):
    signed: Signed


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that an officer brought, as it was read and checked."""

    screen: Screen
    caller: Caller
    model: Connection
    ledger: Ledger
    import_id: str
    filename: str
    pack: Pack
    said: Said

    def shown(self, acting: Acting, amount: str = "") -> dict[str, Any]:
        """Return what its page is made of: what it says, and what may be done or why not."""
        event, trial = self.said.event, acting.act(dry_run=True)
        known = {each.key_id: each for each in known_ledgers(self.model)}
        shown: dict[str, Any] = {
            "import_id": self.import_id,
            "filename": self.filename,
            "told": self.said,
            "event": event,
            "state": self._state(),
            "known": known.get(self.said.proof.key_id),
            "amount": amount,
            "acts": {},
        }
        cashes, approves = self.caller.holds_any(CASHIERS), self.caller.holds_any(APPROVERS)
        tried: dict[str, Callable[[], object]] = {}
        match event:
            case Remittance.Sent():
                code = organisation_id(event.to_code)
                shown["addressed"] = self.ledger.load(Organisation, code)
                fen = event.amount_fen
                if cashes:
                    tried["take"] = lambda: receive_remittance(self.ledger, trial, self.pack, fen)
                if approves:
                    tried["refuse"] = lambda: prepare_refusal(
                        self.ledger, acting.act(), self.pack, "……"
                    )
            case Remittance.Received() if cashes:
                tried["acknowledge"] = lambda: acknowledge_remittance(self.ledger, trial, self.pack)
            case Remittance.Refused() if cashes:
                fen = event.amount_fen
                tried["take_back"] = lambda: take_back_remittance(
                    self.ledger, trial, self.pack, fen
                )
        shown["acts"] = {name: _why_not(act) for name, act in tried.items()}
        return shown

    def _state(self) -> State | None:
        """Return where the remittance stands here, if it does; before any act is tried on it."""
        found = self.ledger.load(Remittance, self.said.event.originator_id)
        return None if found is None else found.state


def _why_not(act: Callable[[], object]) -> LedgerError | None:
    """Try an act without writing anything; return what refuses it."""
    try:
        act()
    except LedgerError as refusal:
        return refusal
    return None


def brought(
    import_id: UUID,
    screen: TheScreen,
    caller: TheCaller,
    model: TheReadModel,
    the_ledger: TheLedger,
    found: TheServed,
    working: TheBackground,
) -> Brought:
    upload = working.imports.find(str(import_id), caller.officer_id, found.clock.now_s(), (KIND,))
    pack = proof_in(working.imports.content(upload))
    return Brought(
        screen,
        caller,
        model,
        the_ledger,
        upload.import_id,
        upload.facts.filename,
        pack,
        said_by(pack),
    )


TheBrought = Annotated[Brought, Depends(brought)]


@router.get("/remittances/files", dependencies=[REMIT])
def ask_file(screen: TheScreen) -> Response:
    """Ask for a file of another ledger."""
    return screen.show(BRINGING, code=None)


@router.post("/remittances/files", dependencies=[REMIT])
def bring_file(
    screen: TheScreen,
    caller: TheCaller,
    found: TheServed,
    working: TheBackground,
    file: Annotated[UploadFile, File()],
) -> Response:
    """Check a file, and lead to what it says; nothing is written."""
    try:
        content = whole(file)
        said_by(proof_in(content))
    except LedgerError as refusal:
        return show_above(screen, refusal, BRINGING)
    facts = Facts(filename=filename_of(file), order={}, rows=0, head=[])
    kept = working.imports.keep(KIND, caller.officer_id, facts, content, found.clock.now_s())
    return screen.go(f"/remittances/files/{kept}")


@router.get("/remittances/files/{import_id}", dependencies=[REMIT])
def show_file(of: TheBrought, acting: TheActing) -> Response:
    """Show what a file says, and what may be done about it."""
    return of.screen.show(PAGE, code=None, **of.shown(acting))


@router.post("/remittances/files/{import_id}/arrival", dependencies=[CASH])
def take_in(of: TheBrought, acting: TheActingOnPage, amount: Amount) -> Response:
    """Take in what another ledger sent."""
    return _done(
        of,
        acting,
        lambda: receive_remittance(of.ledger, acting.act(), of.pack, fen_of(amount)),
        N_("款项已入账，来源、文号和年度不变。请把回执文件发给对方。"),
        amount,
    )


@router.post("/remittances/files/{import_id}/acknowledgement", dependencies=[CASH])
def acknowledge(of: TheBrought, acting: TheActingOnPage) -> Response:
    """Take in the receiver's proof that it has what was sent from here."""
    return _done(
        of,
        acting,
        lambda: acknowledge_remittance(of.ledger, acting.act(), of.pack),
        N_("对方已确认到账。"),
    )


@router.post("/remittances/files/{import_id}/taking-back", dependencies=[CASH])
def take_back(of: TheBrought, acting: TheActingOnPage, amount: Amount) -> Response:
    """Put back into its lots what the receiver refused."""
    return _done(
        of,
        acting,
        lambda: take_back_remittance(of.ledger, acting.act(), of.pack, fen_of(amount)),
        N_("款项已退回原资金批次。"),
        amount,
    )


@router.post("/remittances/files/{import_id}/refusal/preparation", dependencies=[APPROVE])
def prepare_refusing(of: TheBrought, acting: TheActing, form: Refusing) -> Prepared:
    """Prepare to refuse it: what the approver is to sign."""
    return prepared(prepare_refusal(of.ledger, acting.act(), of.pack, form.reason))


@router.post("/remittances/files/{import_id}/refusal", status_code=201, dependencies=[APPROVE])
def refuse(
    of: TheBrought, acting: TheActing, form: SignedRefusing, response: Response
) -> Written[NamedRemittance]:
    """Refuse it for good, as prepared and signed."""
    answer = refuse_remittance(of.ledger, acting.signed(form.signed), of.pack, form.reason)
    return written(of.ledger, response, answer, NamedRemittance)


def _done(
    of: Brought, acting: Acting, do: Callable[[], Answer], said: str, amount: str = ""
) -> Response:
    """Do an act and lead to the remittance; a refusal stands above what the file says."""
    try:
        done(do())
    except LedgerError as refusal:
        return show_above(of.screen, refusal, PAGE, **of.shown(acting, amount))
    return of.screen.go(f"/remittances/{of.said.event.originator_id}", said)
