"""`nuanzhang remit …`: money to and from other ledgers, and which ledgers are known."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api import bootstrap
from api.cli.asking import KeyFile, PassphraseFd, signed_act
from api.cli.drafts import drafted, told_of
from api.cli.printing import AsJson, bar, print_json, say
from api.remitting import proof_under
from api.v1.written import require_stood
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import announce
from ledger.commands.remittance_proofs import KIND
from ledger.commands.remittances import (
    Acquaintance,
    Sending,
    acknowledge_remittance,
    receive_remittance,
    refuse_remittance,
    register_ledger,
    send_remittance,
    strike_off_ledger,
    take_back_remittance,
)
from ledger.domain.aggregate import OPERATOR
from ledger.domain.officer import officer_id
from ledger.domain.remittance import State
from ledger.domain.values import Money, yuan_text
from ledger.evidence.pack import Pack
from ledger.packs.contents import require_on_record
from ledger.packs.file import PackUnreadable, read_pack
from ledger.store.act import CommandAct
from ledger.store.map_store import MapStore
from projections.organisations import tree_on
from projections.remittances import known_ledgers, remittance_list
from projections.runner import catch_up

app = typer.Typer(
    help="Money to and from other ledgers, each on the other's proof.", no_args_is_help=True
)

Staff = Annotated[str, typer.Option("--officer", help="Staff number of who answers for it.")]
ProofFile = Annotated[Path, typer.Argument(help="The file that the other ledger made.")]
KeyId = Annotated[str, typer.Argument(help="Founding key id of the other ledger.")]


@app.command()
def know(
    key_id: KeyId,
    origin: Annotated[str, typer.Argument(help="Name of its log.")],
    name: Annotated[str, typer.Argument(help="What it is called here.")],
    staff: Staff,
    key_file: KeyFile,
    address: Annotated[str, typer.Option(help="Where it is served.")] = "",
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Register another ledger. Learn its founding key id from its owners, not from its server."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = signed_act(staff, key_file, passphrase_fd)
        register_ledger(ledger, act, Acquaintance(key_id, origin, name, address))
        say(f"ledger {key_id} is known here as {name}")


@app.command(name="strike-off")
def strike_off(
    key_id: KeyId,
    reason: Annotated[str, typer.Option(help="Why; it stands in the log.")],
    staff: Staff,
    key_file: KeyFile,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Strike another ledger off: no money goes there or comes from there any more."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        strike_off_ledger(ledger, signed_act(staff, key_file, passphrase_fd), key_id, reason)
        say(f"ledger {key_id} is struck off")


@app.command()
def ledgers() -> None:
    """List the other ledgers that were ever registered here."""
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        for each in known_ledgers(model):
            state = "known" if each.is_known else "struck off"
            at = f" at {each.address}" if each.address else ""
            say(f"{each.key_id} {each.name} ({each.origin}){at}: {state} since {each.since}")


@app.command()
def send(
    giver: Annotated[str, typer.Argument(help="Code of the organisation here.")],
    earmark: Annotated[str, typer.Argument(help="Of its account (用途).")],
    key_id: KeyId,
    taker: Annotated[str, typer.Argument(help="Code of the organisation there.")],
    document: Annotated[str, typer.Option(help="By which document.")],
    amount_fen: Annotated[int, typer.Option(min=1, help="Whole fen.")],
    staff: Staff,
    key_file: KeyFile,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Send money to an organisation of another ledger, on the approver's own signature."""
    order = Sending(giver, earmark, key_id, taker, document, amount_fen)
    with bootstrap.opened(bootstrap.home()) as ledger:
        answer = send_remittance(ledger, signed_act(staff, key_file, passphrase_fd), order)
        require_stood(answer)
        say(f"remittance {answer.result['remittance_id']}")
        say(f"proof for the other ledger: nuanzhang remit proof {answer.result['remittance_id']}")


@app.command()
def proof(
    remittance: Annotated[UUID, typer.Argument(help="Id of the remittance.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="File to write.", show_default=False)] = None,
) -> None:
    """Publish the log, and write the file that the other ledger takes in."""
    place = bootstrap.home()
    path = out or Path(f"remittance-{remittance}.zip")
    with bootstrap.opened(place) as ledger, drafted(path) as draft:
        require_on_record(ledger, KIND, remittance)
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        maps, anchors = MapStore(place.map), Anchors(place.anchors)
        with bar("mapping", "events") as progress:
            published = announce(ledger, maps, act, progress)
        file = proof_under(ledger, maps, anchors, published, act, remittance)
        anchors.close()
        maps.close()
        with told_of(path):
            draft.write_bytes(file)
    say(f"{path}: {len(file)} bytes, under the checkpoint of {published.size} entries")


@app.command()
def take(
    path: ProofFile,
    amount_fen: Annotated[int, typer.Option(min=1, help="What arrived in the bank, whole fen.")],
    staff: Staff,
) -> None:
    """Take in what another ledger sent, on its proof."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        answer = receive_remittance(ledger, _act(staff), _read(path), amount_fen)
        id_ = answer.result["remittance_id"]
        say(f"remittance {id_} is in account {answer.result['fund_id']}")
        say(f"receipt for the sender: nuanzhang remit proof {id_}")


@app.command()
def acknowledge(path: ProofFile, staff: Staff) -> None:
    """Take in the receiver's proof that it has what was sent from here."""
    pack = _read(path)
    with bootstrap.opened(bootstrap.home()) as ledger:
        acknowledge_remittance(ledger, _act(staff), pack)
        say(f"remittance {pack.subject} is acknowledged")


@app.command()
def refuse(
    path: ProofFile,
    reason: Annotated[str, typer.Option(help="Why; the other ledger reads it. Name nobody.")],
    staff: Staff,
    key_file: KeyFile,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Refuse what another ledger sent, for good, on the approver's own signature."""
    pack = _read(path)
    with bootstrap.opened(bootstrap.home()) as ledger:
        act = signed_act(staff, key_file, passphrase_fd)
        id_ = refuse_remittance(ledger, act, pack, reason).result["remittance_id"]
        say(f"remittance {id_} is refused, and can never be taken in here")
        say(f"proof for the sender: nuanzhang remit proof {id_}")


@app.command(name="take-back")
def take_back(
    path: ProofFile,
    amount_fen: Annotated[int, typer.Option(min=1, help="What came back in the bank, whole fen.")],
    staff: Staff,
) -> None:
    """Put money back into the lots it came from, on the receiver's proof that it was refused."""
    pack = _read(path)
    with bootstrap.opened(bootstrap.home()) as ledger:
        answer = take_back_remittance(ledger, _act(staff), pack, amount_fen)
        say(f"remittance {pack.subject} is back in account {answer.result['fund_id']}")


@app.command(name="list")
def list_remittances(*, as_json: AsJson = False) -> None:
    """List remittances in the order of the log, and which of them wait for the other ledger."""
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        found, tree = remittance_list(model, limit=LISTED_MAX), tree_on(model)
        codes = {each.organisation_id: each.code for each in tree.among(tree.by_id)}
    if as_json:
        print_json(
            [
                {
                    "remittance_id": str(each.remittance_id),
                    "direction": each.direction,
                    "organisation": codes[each.organisation_id],
                    "key_id": each.key_id,
                    "other_code": each.other_code,
                    "document": each.document,
                    "amount_fen": each.amount_fen,
                    "happened_on": each.happened_on,
                    "position": each.position,
                    "state": each.state,
                    "acknowledged_on": each.acknowledged_on,
                    "taken_back_on": each.taken_back_on,
                    "reason": each.reason,
                }
                for each in found
            ]
        )
        return
    for each in found:
        way = "to" if each.direction == "out" else "from"
        state = STATES[each.state]
        say(
            f"{each.remittance_id} {each.happened_on} {codes[each.organisation_id]} {way}"
            f" {each.ledger_name} {each.other_code}: {yuan_text(Money(each.amount_fen))} yuan,"
            f" {each.document}, {state}"
        )


LISTED_MAX = 10_000
STATES: Mapping[str, str] = {
    State.ON_ITS_WAY: "waits",
    State.ACKNOWLEDGED: "proved",
    State.TAKEN_BACK: "taken back",
    State.RECEIVED: "proved",
    State.REFUSED: "refused",
}
"""In words, by where a remittance stands."""


def _read(path: Path) -> Pack:
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise PackUnreadable(cause.strerror or "it cannot be read") from None
    return read_pack(data).pack


def _act(staff: str) -> CommandAct:
    return CommandAct(str(officer_id(staff)), bootstrap.today(), bootstrap.now())
