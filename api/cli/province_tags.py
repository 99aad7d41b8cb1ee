"""Commands that find who was paid in several cities: made by a city, compared, and taken back."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer
from sqlalchemy import select

from api import bootstrap
from api.cities import contradicted_logs, own_witness, read_cities
from api.cli.drafts import drafted, told_of
from api.cli.printing import REFUSED, say
from api.cli.province_answers import (
    MAX_AGE_H,
    MaxAge,
    Out,
    Witnessed,
    require_ending,
    write_answer,
)
from api.duplicates import Part, ProvinceAnswerUnreadable, parts_of, read_part, tables, told
from ledger.commands.tag_lists import (
    Accounts,
    DoubtsOfOthers,
    TagMaking,
    TagOrder,
    TagsOvertaken,
    hand_over_tags,
    own_payments,
)
from ledger.domain.aggregate import OPERATOR
from ledger.domain.values import Money, yuan_text
from ledger.packs.duplicates import Compared, Comparison, TagFile, compare
from ledger.store.act import CommandAct
from ledger.store.application import Answer, Ledger
from ledger.store.home import Home
from ledger.store.province_keys import held_province_key
from ledger.vault.province_key import OpeningKey, ProvinceKeyUnreadable
from projections.asked import uuid_of
from projections.batches import batches
from projections.journal import funds
from projections.runner import catch_up
from projections.view import reading

Since = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the payments.")]
Until = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day of them.")]

TRIES = 20
"""How often a list is made anew: after the first time it takes seconds."""


def hand_over(
    since: Since,
    until: Until,
    recipient: Annotated[str, typer.Option(help="Public half of the province's opening key.")],
    out: Annotated[Path, typer.Option(help="File to write, sealed for the province.")],
) -> None:
    """Make tags of all who were paid in a period, put the list on record and seal it.

    Publish afterwards (`nuanzhang anchor`) and make the pack (`nuanzhang pack ledger all`): it
    shows the province that this list is the one, and that no payment is left out.
    """
    place = bootstrap.home()
    key = held_province_key(place)
    order = TagOrder(since.date(), until.date(), recipient)
    with bootstrap.opened(place) as ledger, drafted(out) as draft:
        answer = _put_on_record(ledger, place, TagMaking(ledger, order, key), out, draft)
    say(
        f"{out}: {answer.result['count']} payments tagged under key {key.name},"
        f" {answer.result['untagged']} of them without a tag (erased or restricted)"
    )
    say("Now publish, and make the pack of the whole ledger.")


def _put_on_record(
    ledger: Ledger, place: Home, making: TagMaking, out: Path, draft: Path
) -> Answer:
    """Make the list and put it on record, over again where the ledger went on meanwhile."""
    for _ in range(TRIES):
        with catch_up(ledger, place.read_models).asking() as model:
            known_to = model.scalars(select(reading.c.next_position)).one()
            ids = [uuid_of(each) for each in model.scalars(select(funds.c.fund_id))]
        made = making.make(Accounts(ids, known_to))
        # The file first: what goes on record as handed over can be handed over.
        with told_of(out):
            draft.write_bytes(made.sealed)
        act = CommandAct(OPERATOR, bootstrap.today(), bootstrap.now())
        with suppress(TagsOvertaken):
            return hand_over_tags(ledger, act, made)
    raise TagsOvertaken


def find_duplicates(
    file: Annotated[Path, typer.Argument(help="TOML file of the cities: …, tags; tag_key.")],
    since: Since,
    until: Until,
    opening_key: Annotated[Path, typer.Option(help="The province's opening key.")],
    out: Out,
    maximum_fen: Annotated[
        int | None, typer.Option(min=1, help="What one person may get in all, whole fen.")
    ] = None,
    parts: Annotated[
        Path | None, typer.Option(help="Folder for a file to each city, of its own people alone.")
    ] = None,
    *,
    witnessed: Witnessed = True,
    max_age: MaxAge = MAX_AGE_H,
) -> None:
    """Find who was paid in more than one city, without knowing who they are.

    A city whose list or pack is missing, stale, unwitnessed, of another key or period, or does not
    hold is named and not compared; the exit status is 1 then.
    """
    require_ending(out)
    cities = read_cities(file)
    try:
        opening = OpeningKey.from_text(opening_key.read_bytes())
    except OSError:
        raise ProvinceKeyUnreadable("opening key of a province") from None
    keys, seen = own_witness(max_age, bootstrap.now_s()) if witnessed else ((), {})
    files = [TagFile(each.city, each.tags) for each in cities.cities]
    asked = Comparison(since.date(), until.date(), cities.tag_key, maximum_fen)
    contradicted = contradicted_logs() if witnessed else ()
    found = compare(files, asked, opening, keys, seen, contradicted)
    write_answer(out, tables(found), lambda: _as_json(found))
    if parts is not None:
        _write_parts(parts, dict(parts_of(found)))
    for city in found.cities:
        of = city.standing
        state, cause = of.state.value, of.cause
        if city.listed is not None:
            state, cause = city.listed.state.value, city.listed.cause
        say(f"{of.city.name}: {state}{': ' if cause else ''}{cause}")
    say(f"{len(found.doubts)} people were paid in more than one city")
    if not found.is_whole:
        raise typer.Exit(REFUSED)


def _write_parts(folder: Path, parts: Mapping[str, bytes]) -> None:
    """Write a part for each city that was compared, and take away what an earlier run left.

    A city that is not compared now would be told what was found under another list.
    """
    with told_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.json")):
            if path.stem not in parts and path.is_file() and _is_part(path):
                path.unlink()
                say(f"{path}: of an earlier run, removed")
    for name, part in parts.items():
        path = folder / f"{name}.json"
        with drafted(path) as draft, told_of(path):
            draft.write_bytes(part)


def _is_part(path: Path) -> bool:
    try:
        read_part(path.read_bytes())
    except ProvinceAnswerUnreadable:
        return False
    return True


def show_doubts(
    path: Annotated[Path, typer.Argument(help="This city's part of the province's answer.")],
) -> None:
    """Say which of this ledger's payments went to people whom other cities paid, too."""
    part = _part(path)
    place = bootstrap.home()
    with (
        bootstrap.opened(place) as ledger,
        catch_up(ledger, place.read_models).asking() as model,
    ):
        if (part.origin, part.key_id) != (ledger.origin, ledger.founding_key_id()):
            raise DoubtsOfOthers
        ids = [UUID(own.payment_id) for doubt in part.doubts for own in doubt.own]
        own = own_payments(ledger, part.list_sha256, ids)
        codes = {
            uuid_of(id_): code
            for id_, code in model.execute(select(batches.c.batch_id, batches.c.code))
        }
    for doubt in part.doubts:
        say(f"{doubt.number}. {' '.join(doubt.rules)} 合计 {yuan_text(Money(doubt.total_fen))} 元")
        for each in doubt.own:
            payment = own[UUID(each.payment_id)]
            who = " ".join(payment.payee.get(name, "") for name in ("name", "id_number")).strip()
            say(
                f"  本市 {payment.payment_id} {codes[payment.batch_id]} 第{payment.number}行"
                f" {each.paid_on} {yuan_text(Money(each.amount_fen))} 元 {who or '(已销毁或限制)'}"
            )
        for other in doubt.elsewhere:
            say(
                f"  {other.city} {other.paid_on} {yuan_text(Money(other.amount_fen))} 元"
                f" {other.campaign} {other.category}"
            )


def _part(path: Path) -> Part:
    try:
        return read_part(path.read_bytes())
    except OSError:
        raise ProvinceAnswerUnreadable from None


def _as_json(found: Compared) -> bytes:
    return msgspec.json.format(msgspec.json.encode(told(found)), indent=1) + b"\n"
