"""Officers: their posts, their keys, and their way in."""

from base64 import b64decode, b64encode
from datetime import date
from operator import itemgetter
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from api.acting import Prepared, SignatureUnreadable, Signed, TheActing, prepared
from api.callers import (
    CONFIRM,
    KEEP_SECURITY,
    KEEP_SYSTEM,
    SIGNED_IN,
    WATCH_ACCESS,
    PostMissing,
    TheCaller,
    TheWatchedOfficers,
)
from api.dependencies import Served, TheLedger, ThePage, TheReadModel, served
from api.edge.one_thread import InOneThread
from api.inviting import invite_officer, require_not_inviter, sign_out_officer
from api.key_ending import end_officer_key
from api.problems import RESPONSES
from api.v1 import forms, models
from api.v1.models import Answer, Id
from api.v1.written import NamedKey, NamedOfficer, Nothing, Written, tag, written
from ledger.commands.officer_keys import (
    KeyConfirmation,
    KeyProposal,
    confirm_key,
    prepare_confirmation,
    proposal_message,
    propose_key,
)
from ledger.commands.officers import (
    NewOfficer,
    Post,
    end_role,
    grant_role,
    prepare_grant,
    register_officer,
)
from ledger.domain.officer import Officer, Role
from ledger.evidence.keys import Algorithm, PublicKey
from ledger.store.application import Ledger, NotOnRecord
from projections.organisations import officer_list

router = APIRouter(
    route_class=InOneThread, prefix="/officers", tags=["officers"], responses=RESPONSES
)

TheDoor = Annotated[Served, Depends(served)]
KeyId = Annotated[str, Path(min_length=1, max_length=100, pattern="^[0-9A-Za-z:_+.-]+$")]


class Tenure(Answer):
    """A post from a day until the day before `until`; null: no end is known."""

    organisation_id: Id
    role: str
    since: date
    until: date | None


class Key(Answer):
    key_id: str
    algorithm: str
    public_key: str
    state: str = Field(description="proposed, in_force or ended.", examples=["in_force"])


class OfficerLine(Answer):
    """An officer by staff number: names are personal data, and stand nowhere here."""

    officer_id: Id
    staff_number: str = Field(examples=["S0001"])


class OfficerView(OfficerLine):
    tenures: list[Tenure]
    keys: list[Key]


class KeyProof(Answer):
    """What a new key is to sign, so that it is seen to be whole."""

    to_sign: str = Field(description="Base64.")


class KeyProofForm(forms.Form):
    algorithm: Algorithm
    public_key: str = Field(max_length=6000, description="Base64 of the raw key.")


class Invitation(Answer):
    """A code to be handed over in person. It is shown this once, and good for a day."""

    code: str


class SignedPost(forms.Form):
    post: forms.PostForm
    signed: Signed


class SignedConfirmation(forms.Form):
    signed: Signed


@router.get("", dependencies=[SIGNED_IN])
def list_officers(model: TheReadModel, page: ThePage) -> models.Listed[OfficerLine]:
    """List officers in the order in which they were put on the register."""
    found = officer_list(model, after=page.after, limit=page.limit + 1)
    shown, further = page.cut(found, itemgetter(2))
    return models.Listed(
        items=[OfficerLine(officer_id=id_, staff_number=staff) for id_, staff, _ in shown],
        next=further,
        at=page.at,
    )


@router.post("", status_code=201, dependencies=[KEEP_SYSTEM])
def create_officer(
    form: forms.OfficerForm, acting: TheActing, the_ledger: TheLedger, response: Response
) -> Written[NamedOfficer]:
    """Put an officer on the register. Posts are given by a security administrator."""
    order = NewOfficer(form.staff_number, form.name)
    answer = register_officer(the_ledger, acting.act(form.happened_on), order)
    return written(the_ledger, response, answer, NamedOfficer)


@router.get("/{officer_id}", dependencies=[SIGNED_IN])
def show_officer(officer_id: UUID, the_ledger: TheLedger, response: Response) -> OfficerView:
    """Show an officer's posts and keys, past ones too."""
    officer = _officer(the_ledger, officer_id)
    tag(the_ledger, response, Officer, officer_id)
    keys = [
        Key(key_id=key_id, algorithm=key.algorithm, public_key=key.public_key, state=state)
        for key_id, key, state in officer.keys_by_state()
    ]
    return OfficerView(
        officer_id=officer_id,
        staff_number=officer.staff_number,
        tenures=[Tenure.model_validate(each) for each in officer.tenures],
        keys=keys,
    )


@router.post("/{officer_id}/posts/preparation", dependencies=[KEEP_SECURITY])
def prepare_post(
    officer_id: UUID, form: forms.PostForm, acting: TheActing, the_ledger: TheLedger
) -> Prepared:
    """Prepare a post: what the administrator is to sign. Nothing is written."""
    act = acting.act(form.happened_on, stream=officer_id)
    return prepared(prepare_grant(the_ledger, act, _post(officer_id, form)))


@router.post("/{officer_id}/posts", status_code=201, dependencies=[KEEP_SECURITY])
def give_post(
    officer_id: UUID,
    form: SignedPost,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[NamedOfficer]:
    """Give an officer a post, from the day on, until another where one is named.

    Its day is the one that was prepared and signed.
    """
    act = acting.signed(form.signed, stream=officer_id, any_day=True)
    order = _post(officer_id, form.post)
    return written(the_ledger, response, grant_role(the_ledger, act, order), NamedOfficer)


@router.post("/{officer_id}/post-endings", status_code=201, dependencies=[KEEP_SECURITY])
def end_post(
    officer_id: UUID,
    form: forms.PostEndForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """End a post of an officer on the day."""
    order = Post(officer_id, form.organisation_id, form.role)
    act = acting.act(form.happened_on, stream=officer_id)
    return written(the_ledger, response, end_role(the_ledger, act, order), Nothing)


@router.post("/{officer_id}/invitations", status_code=201, dependencies=[KEEP_SECURITY])
def invite(officer_id: UUID, caller: TheCaller, found: TheDoor) -> Invitation:
    """Make a code with which the officer sets a password; it ends every session when it is used."""
    return Invitation(code=invite_officer(found, caller, officer_id))


@router.post("/{officer_id}/sign-outs", status_code=204, dependencies=[KEEP_SECURITY])
def sign_officer_out(officer_id: UUID, caller: TheCaller, found: TheDoor) -> None:
    """End all sessions and tokens of an officer, and forget their passkeys."""
    sign_out_officer(found, caller, officer_id)


@router.post("/{officer_id}/key-proofs", dependencies=[SIGNED_IN])
def show_key_proof(
    officer_id: UUID, form: KeyProofForm, caller: TheCaller, the_ledger: TheLedger
) -> KeyProof:
    """Ask what a new key of one's own has to sign before it is handed in."""
    _require_own(caller.officer_id == officer_id, caller.staff_number)
    key = _public_key(form.algorithm, form.public_key)
    message = proposal_message(the_ledger.origin, officer_id, key.key_id)
    return KeyProof(to_sign=b64encode(message).decode())


@router.post("/{officer_id}/keys", status_code=201, dependencies=[SIGNED_IN])
def hand_in_key(
    officer_id: UUID,
    form: forms.KeyForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[NamedKey]:
    """Hand in a public key of one's own. It signs nothing until a second officer confirms it."""
    _require_own(acting.caller.officer_id == officer_id, acting.caller.staff_number)
    proposal = KeyProposal(_public_key(form.algorithm, form.public_key), _bytes(form.proof))
    answer = propose_key(the_ledger, acting.act(stream=officer_id), proposal)
    return written(the_ledger, response, answer, NamedKey)


@router.post("/{officer_id}/keys/{key_id}/confirmation/preparation", dependencies=[CONFIRM])
def prepare_confirming(
    officer_id: UUID, key_id: KeyId, acting: TheActing, found: TheDoor, the_ledger: TheLedger
) -> Prepared:
    """Prepare a confirmation: what the administrator is to sign. Nothing is written."""
    require_not_inviter(found, officer_id, key_id, acting.caller.officer_id)
    order = KeyConfirmation(officer_id, key_id)
    return prepared(prepare_confirmation(the_ledger, acting.act(stream=officer_id), order))


@router.post("/{officer_id}/keys/{key_id}/confirmation", status_code=201, dependencies=[CONFIRM])
def confirm(
    officer_id: UUID,
    key_id: KeyId,
    form: SignedConfirmation,
    acting: TheActing,
    found: TheDoor,
    the_ledger: TheLedger,
    response: Response,
) -> Written[NamedKey]:
    """Sign that a key is this officer's, after comparing its id with them.

    Not one's own, and not of somebody whom one invited: that one might be both.
    """
    require_not_inviter(found, officer_id, key_id, acting.caller.officer_id)
    order = KeyConfirmation(officer_id, key_id)
    act = acting.signed(form.signed, stream=officer_id)
    answer = confirm_key(the_ledger, act, order)
    return written(the_ledger, response, answer, NamedKey)


@router.post("/{officer_id}/keys/{key_id}/ending", status_code=201, dependencies=[SIGNED_IN])
def end_key(
    officer_id: UUID,
    key_id: KeyId,
    form: forms.KeyEndForm,
    acting: TheActing,
    the_ledger: TheLedger,
    response: Response,
) -> Written[Nothing]:
    """Revoke a key: one's own at once, or as security administrator another's.

    What it signed before counts on, unless somebody else had it from a position on.
    """
    answer = end_officer_key(the_ledger, acting, officer_id, key_id, form)
    return written(the_ledger, response, answer, Nothing)


journal = APIRouter(
    route_class=InOneThread, prefix="/access-journal", tags=["access"], responses=RESPONSES
)


class JournalEntry(Answer):
    """What happened to somebody's access. Times are seconds since 1970.

    `people` are those whom a look at people told of: a search by whole values, or a list tried.
    """

    number: int
    at_s: int
    what: str = Field(examples=["sign_in.failed"])
    officer_id: UUID | None
    address: str
    by: UUID | None
    people: list[UUID]


class Journal(Answer):
    items: list[JournalEntry]


@journal.get("", dependencies=[WATCH_ACCESS])
def list_journal(
    found: TheDoor,
    watched: TheWatchedOfficers,
    after: Annotated[int, Query(ge=0, lt=2**53, description="Number of the last seen.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Journal:
    """List who signed in, failed to, was invited or got a token, of whom the caller watches."""
    entries = found.door.journal.entries(after=after, limit=limit, of=watched)
    return Journal(items=[JournalEntry.model_validate(each) for each in entries])


def _officer(ledger: Ledger, officer_id: UUID) -> Officer:
    officer = ledger.load(Officer, officer_id)
    if officer is None:
        raise NotOnRecord("officer", officer_id)
    return officer


def _post(officer_id: UUID, form: forms.PostForm) -> Post:
    return Post(officer_id, form.organisation_id, form.role, form.until)


def _require_own(own: bool, staff_number: str) -> None:  # noqa: FBT001 - a condition, named so
    if not own:
        raise PostMissing(staff_number, {Role.SECURITY_ADMINISTRATOR})


def _public_key(algorithm: Algorithm, text: str) -> PublicKey:
    return PublicKey(algorithm, _bytes(text))


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise SignatureUnreadable from None
