"""Every reader of what people carry in, with files that are well to begin from."""

import contextlib
import csv
import io
import json
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import segno
from fastapi import Request
from PIL import Image
from pydantic import ValidationError

from api.dependencies import Page, page
from api.policy_terms import terms_of
from api.v1 import forms
from ledger.domain.outside_list import ListKind
from ledger.domain.strokes import Point, from_text, require_signature, to_svg, to_text
from ledger.errors import LedgerError
from ledger.evidence.canonical import canonical_json, parse_canonical
from ledger.evidence.checkpoint import Checkpoint, open_note
from ledger.evidence.cosignature import CosignatureKey, Cosigner, cosign, cosignatures, with_lines
from ledger.evidence.envelope import decode, payload_of
from ledger.evidence.keys import Ed25519Signer, KeyHistory
from ledger.evidence.note import NoteKey, split_note
from ledger.evidence.pack import Pack
from ledger.evidence.pack_check import check_pack
from ledger.evidence.tlog_proof import read_tlog_proof, write_tlog_proof
from ledger.evidence.tlog_tiles import Tile, read_bundle, write_bundle
from ledger.evidence.verifiable_map import MapProof, subject_key, verify_head
from ledger.evidence.verify import self_described, verify_entry
from ledger.files.account_statements import fields_of, read_account_statement
from ledger.files.archive import read_archive
from ledger.files.banks import FORMATS, read_return
from ledger.files.campaign import read_campaign
from ledger.files.columns import Layout, guess, read_lines
from ledger.files.outside_lists import OutsideFile, Told, rows_of
from ledger.files.outside_lists import fields_of as fields_of_list
from ledger.files.pictures import ink_of
from ledger.files.registers import (
    read_allocations,
    read_batches,
    read_funds,
    read_officers,
    read_organisations,
)
from ledger.files.roster import FIELDS, read_roster
from ledger.files.scans import read_scan
from ledger.files.sheet import Sheet, SheetRow, write_sheet
from ledger.files.sheet_codes import code_text, read_code
from ledger.files.signatures import read_signatures
from ledger.packs.file import check_files, read_pack
from ledger.witness.witnessing import Submission
from tests.evidence.sample_log import LOG_KEY, ORIGIN, RULES, sample_log
from tests.evidence.sample_vectors import receipt_for, sample_map
from tests.files.golden import FOLDER
from tests.files.paper import as_pdf, as_picture, on_the_glass, write_name
from tests.files.sample_returns import RETURNS, returned
from tests.files.sample_statements import LISTED, MT940, camt_053
from tests.files.samples import SCENARIO, csv_bytes, person, roster_rows, xlsx_bytes
from tests.fuzz.mutations import Shape
from tests.world import CARD_CLASS, Person, World, roster_row

Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """A reader, or several of the same files; each may refuse with a code, and nothing else.

    `most_mb` is how far the process's memory may ever rise above what it is when warm, and
    `cpu_s` how long the processor may work on one file. Where a library judges what is refused
    (Pydantic before any command), its refusal is in `refusals`.
    """

    name: str
    shape: Shape
    seeds: Callable[[], Sequence[bytes]]
    read: Read
    most_mb: int = 64
    cpu_s: float = 5.0
    refusals: tuple[type[Exception], ...] = (LedgerError,)


def _each(*readers: Callable[[str, bytes], object]) -> Read:
    """Give a file to several readers, as clerks choose the wrong kind."""

    def read(data: bytes) -> None:
        for reader in readers:
            with contextlib.suppress(LedgerError):
                reader("f", data)

    return read


# Lists.


def _rosters() -> list[bytes]:
    few = roster_rows(person(), person("李试验", amount="700.50"))
    utf_8 = csv_bytes(few, "utf-8-sig")
    scenario = sorted((SCENARIO / "rosters").glob("*.csv"))[:2]
    return [csv_bytes(few), utf_8, *(path.read_bytes() for path in scenario)]


def _workbooks() -> list[bytes]:
    few = roster_rows(person(), person("李试验", amount="700.50"))
    scenario = sorted((SCENARIO / "rosters").glob("*.xlsx"))[:1]
    golden = sorted(FOLDER.glob("*/*.xlsx"))
    return [xlsx_bytes(few), *(path.read_bytes() for path in (*scenario, *golden))]


def _roster(name: str, data: bytes) -> None:
    """Read a list as it is first shown, and by columns that a clerk laid out."""
    lines = read_lines(name, data)
    layout = guess(lines, FIELDS)
    with contextlib.suppress(LedgerError):
        read_roster(name, data)
    fields = tuple(layout.fields) or ("name", "id_number", "amount")
    with contextlib.suppress(LedgerError):
        read_roster(name, data, Layout(layout.line, fields))
    read_roster(name, data, Layout(1, ("name", None, "id_number", "amount", "card_number")))


def _registers() -> list[bytes]:
    names = ("organisations", "officers", "funds", "allocations", "batches")
    signed = sorted((SCENARIO / "signatures").glob("*.csv"))[:1]
    paths = (*(SCENARIO / f"{name}.csv" for name in names), *signed)
    return [b"".join(path.read_bytes().splitlines(keepends=True)[:12]) for path in paths]


def _campaigns() -> list[bytes]:
    return [(SCENARIO / "campaign.toml").read_bytes()]


def _outside_lists() -> list[bytes]:
    people = [Person(serial) for serial in range(1, 6)]
    columns: dict[str, list[object]] = {
        "死亡日期": ["2016-12-01", "20161202", "2016/12/3", "", "昨天"],
        "工号": ["H-X01", "H-X01", "R-X01", "X", ""],
        "户号": [1, 1, 2, 2, 3],
        "银行卡号": [each.card for each in people],
        "联系电话": [each.phone for each in people],
        "身份证号码": [each.id_number for each in people],
    }
    seeds = []
    for several in (("身份证号码", "死亡日期"), ("工号", "身份证号码"), ("工号", "银行卡号")):
        rows = zip(*(columns[each] for each in several), strict=False)
        seeds.append(_csv(several, *rows))
    rows = zip(*(columns[each] for each in ("户号", "工号", "联系电话")), strict=False)
    return [*seeds, _csv(("户号", "工号", "联系电话"), *rows)]


def _csv(*rows: Sequence[object]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


def _outside_list(data: bytes) -> None:
    for kind in ListKind:
        with contextlib.suppress(LedgerError):
            for _ in rows_of(OutsideFile("f", data, kind), Told()):
                pass
        layout = Layout(1, tuple(fields_of_list(kind).required))
        with contextlib.suppress(LedgerError):
            list(rows_of(OutsideFile("f", data, kind, layout), Told()))


# What banks send.


def _golden(*suffixes: str) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        paths = [
            path
            for path in (*sorted(FOLDER.glob("*/*")), *sorted((SCENARIO / "bank").glob("*"))[:6])
            if path.suffix in suffixes
        ]
        made = [make(returned()) for make in RETURNS.values()]
        is_xml = ".xml" in suffixes
        return [
            *(path.read_bytes() for path in paths),
            *(each for each in made if each.startswith(b"<") is is_xml and ".xlsx" not in suffixes),
        ]

    return seeds


def _returns(data: bytes) -> None:
    """Read an answer in every format: whoever hands in a file may have chosen the wrong bank."""
    for bank_format in FORMATS:
        with contextlib.suppress(LedgerError):
            read_return(bank_format, "f", data)


def _statement(*formats: str) -> Read:
    def read(data: bytes) -> None:
        for each in formats:
            with contextlib.suppress(LedgerError):
                read_account_statement(each, "f", data)

    return read


def _columns(data: bytes) -> None:
    """Read a list of movements by its titles, then by the layout that is proposed."""
    fields = fields_of("statement-list")
    assert fields is not None
    with contextlib.suppress(LedgerError):
        read_account_statement("statement-list", "f", data)
    layout = guess(read_lines("f", data), fields)
    read_account_statement("statement-list", "f", data, layout)


def _movements() -> list[bytes]:
    rows = list(csv.reader(io.StringIO(LISTED)))
    return [LISTED.encode("gb18030"), LISTED.encode("utf-8-sig"), xlsx_bytes(rows)]


def _camt() -> list[bytes]:
    return [camt_053("02"), camt_053("08")]


# Paper.

KEY, BATCH = b"k" * 32, UUID(int=7 << 100)


def _sheet() -> bytes:
    listed = [SheetRow(number, "试某", "", "17000000001", "", 30_000) for number in (1, 2)]
    printed = Sheet(BATCH, "S1", "签字表", [("单位", "X01")], listed, "陆佰元整", ORIGIN)
    return write_sheet(printed, KEY, datetime(2017, 1, 1, tzinfo=UTC)).content


@cache
def _pages() -> list[Image.Image]:
    pages = on_the_glass(_sheet(), dpi=110)
    return [page.convert("L") for page in pages]


def _pdfs() -> list[bytes]:
    return [_sheet(), as_pdf(_pages())]


def _pictures() -> list[bytes]:
    signed = on_the_glass(_sheet())[0]
    write_name(signed, 0)
    small = Image.new("L", (300, 100), 255)
    small.paste(0, (20, 30, 90, 40))
    code = io.BytesIO()
    segno.make(code_text(KEY, BATCH, 1)).save(code, kind="png", scale=4)
    return [
        as_picture(signed.resize((900, 1270))),
        _saved(signed.resize((900, 1270)).quantize(16), "PNG"),
        _saved(small, "PNG"),
        _saved(small, "JPEG"),
        code.getvalue(),
    ]


def _saved(picture: Image.Image, kind: str) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind)
    return written.getvalue()


def _scan(data: bytes) -> None:
    for page_read in read_scan(data, KEY).pages:
        for row in page_read.rows:
            ink_of(row.image)


def _codes() -> list[bytes]:
    return [code_text(KEY, BATCH, 1).encode(), code_text(KEY, BATCH, 2, 3, 12).encode()]


def _code(data: bytes) -> None:
    read_code(KEY, data.decode("utf-8", "surrogateescape"))


# What programs send: forms as JSON.

_FORMS = (
    forms.PolicyForm,
    forms.DrawnSignatureForm,
    forms.SheetForm,
    forms.KeyForm,
    forms.ArchiveFileForm,
    forms.ReceiptForm,
)


def _bodies() -> list[bytes]:
    rule = {"source": "文", "confidence": "certain"}
    policy = {
        "code": "p-1",
        "title": "方案",
        "effective_from": "2017-01-01",
        "categories": [
            {
                "name": "一线职工",
                "channel": "签字表",
                "archive_required": False,
                "required_fields": ["身份证号码"],
                "maximum": {"amount_fen": 100, **rule},
                **rule,
            }
        ],
        "first_year_minimum": {"basis_points": 5000, **rule},
        "all_within": {"years": 2, **rule},
        "deadlines": [{"name": "签字表", "due_on": "2017-02-01", **rule}],
    }
    drawn = {
        "number": 1,
        "signer_name": "张试验",
        "own_hand": True,
        "strokes": [
            [[100 + 30 * n, 200 + 40 * (n % 3), 40 * n, 128] for n in range(12)],
            [[300, 100 + 20 * n, 500 + 20 * n, 90] for n in range(9)],
        ],
        "witness_id": str(BATCH),
        "device": "5f0c2d6e",
        "started_at": "2017-01-12T09:00:00+08:00",
        "ended_at": "2017-01-12T09:00:09+08:00",
    }
    return [json.dumps(each, ensure_ascii=False).encode() for each in (policy, drawn)]


def _body(data: bytes) -> None:
    for form in _FORMS:
        try:
            read = form.model_validate_json(data)
        except ValidationError:
            continue
        if isinstance(read, forms.PolicyForm):
            terms_of(read)
        if isinstance(read, forms.DrawnSignatureForm):
            _strokes(read)


def _strokes(form: forms.DrawnSignatureForm) -> None:
    strokes = [[Point(*point) for point in stroke] for stroke in form.strokes]
    with contextlib.suppress(LedgerError):
        require_signature(strokes)
        assert from_text(to_text(strokes)) == strokes
        to_svg(strokes)


# Addresses: where a page of a list goes on.

_ASKED = {"type": "http", "path": "/v1/events", "query_string": b"topic=x", "headers": []}
_LOG: Any = SimpleNamespace(size=lambda: 1000)


def _cursors() -> list[bytes]:
    asked = page(Request(_ASKED), _LOG, None, 10).asked
    found = Page(-1, 999, 10, asked).cursor(12)
    assert found is not None
    return [found.encode(), b64encode(canonical_json({"after": 1, "at": 9, "asked": asked}))]


def _cursor(data: bytes) -> None:
    page(Request(_ASKED), _LOG, data.decode("utf-8", "surrogateescape"), 10)


# Evidence.


def _envelopes() -> list[bytes]:
    return [entry.envelope for entry in sample_log().entries]


def _envelope(data: bytes) -> None:
    payload_of_is_refused = None
    try:
        payload_of(data)
    except LedgerError as refusal:
        payload_of_is_refused = refusal
    envelope = decode(data)
    assert payload_of_is_refused is None
    payload = parse_canonical(envelope.payload)
    assert canonical_json(payload) == envelope.payload
    entry = self_described(0, payload, data)
    if entry is not None:
        verify_entry(entry, KeyHistory(), RULES)


def _payloads() -> list[bytes]:
    return [payload_of(each) for each in _envelopes()]


def _canonical(data: bytes) -> None:
    assert canonical_json(parse_canonical(data)) == data


WITNESS = Cosigner("witness.example/w1", Ed25519Signer.from_seed(bytes(range(7, 39))))


def _notes() -> list[bytes]:
    note = sample_log().notes[-1][1]
    body, _ = split_note(note)
    cosigned = with_lines(note, [cosign(body, WITNESS, 1_500_000_000)])
    receipt = write_tlog_proof(receipt_for(sample_log(), 3))
    posted = Submission(3, (b"h" * 32, b"i" * 32), note).text()
    keys = (LOG_KEY.vkey(), WITNESS.key.vkey())
    return [each.encode() for each in (note, cosigned, body, receipt, posted, *keys)]


def _note(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    readers: tuple[Callable[[str], object], ...] = (
        lambda note: open_note(note, [LOG_KEY]),
        lambda note: cosignatures(note, [WITNESS.key]),
        split_note,
        Checkpoint.from_body,
        read_tlog_proof,
        Submission.from_text,
        NoteKey.from_vkey,
        CosignatureKey.from_vkey,
    )
    for read in readers:
        with contextlib.suppress(LedgerError):
            read(text)


def _bundles() -> list[bytes]:
    return [write_bundle(_envelopes()), b"tile/0/x001/x234/067.p/5", b"tile/entries/005"]


def _bundle(data: bytes) -> None:
    with contextlib.suppress(LedgerError):
        Tile.from_path(data.decode("utf-8", "surrogateescape"))
    assert write_bundle(read_bundle(data)) == data


def _map_proofs() -> list[bytes]:
    built = sample_map(sample_log())
    keys = [subject_key(str(UUID(int=number))) for number in (1, 2, 4, 99)]
    return [canonical_json(built.prove(key).to_json()) for key in keys]


def _map_proof(data: bytes) -> None:
    proof = MapProof.from_json(parse_canonical(data))
    verify_head(b"r" * 32, subject_key(str(UUID(int=1))), proof)


@cache
def _pack_made() -> tuple[bytes, Any]:
    """Make a pack of a small world's payment, as it is handed out."""
    from ledger.anchoring.publications import announce
    from ledger.store.map_store import MapStore
    from tests.packs.packing import Packing

    with tempfile.TemporaryDirectory() as folder:
        world = World.at(Path(folder)).settle_in()
        world.receive("X01", 500_000)
        world.file(Person(1))
        world.pay("B1", roster_row(1, Person(1), 60_000, CARD_CLASS))
        maps = MapStore(world.home.map)
        packing = Packing(world.home, world.ledger, maps, announce(world.ledger, maps, world.act()))
        data = packing.write("batch", "B1", opened=True)
        rules = packing.rules
        maps.close()
        world.ledger.close()
    return data, rules


def _packs() -> list[bytes]:
    return [_pack_made()[0]]


def _pack(data: bytes) -> None:
    list(check_files(read_pack(data), _pack_made()[1]))


def _pack_texts() -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(_pack_made()[0])) as archive:
        return [archive.read("pack.json")]


def _pack_text(data: bytes) -> None:
    list(check_pack(Pack.from_json(parse_canonical(data)), _pack_made()[1]))


TARGETS: tuple[Target, ...] = (
    Target("rosters", Shape.TEXT, _rosters, lambda data: _roster("f", data)),
    Target(
        "workbooks",
        Shape.ARCHIVE,
        _workbooks,
        _each(_roster, read_archive),
        most_mb=400,
        cpu_s=20,
    ),
    Target(
        "registers",
        Shape.TEXT,
        _registers,
        _each(
            read_organisations,
            read_officers,
            read_funds,
            read_allocations,
            read_batches,
            read_signatures,
            read_archive,
        ),
    ),
    Target("outside-lists", Shape.TEXT, _outside_lists, _outside_list),
    Target("campaigns", Shape.TEXT, _campaigns, lambda data: read_campaign("f", data)),
    Target("returns-text", Shape.TEXT, _golden(".txt"), _returns, cpu_s=10),
    Target("returns-xml", Shape.XML, _golden(".xml"), _returns, cpu_s=10),
    Target("returns-xlsx", Shape.ARCHIVE, _golden(".xlsx"), _returns, most_mb=400, cpu_s=20),
    Target("statements-xml", Shape.XML, _camt, _statement("camt-053", "mt940")),
    Target(
        "statements-mt940",
        Shape.TEXT,
        lambda: [MT940.encode("gb18030"), MT940.encode()],
        _statement("mt940", "camt-053"),
    ),
    Target("statements-columns", Shape.TEXT, _movements, _columns, most_mb=400, cpu_s=20),
    Target("scans-pdf", Shape.PICTURE, _pdfs, _scan, most_mb=400, cpu_s=30),
    Target("scans-pictures", Shape.PICTURE, _pictures, _scan, most_mb=400, cpu_s=30),
    Target("sheet-codes", Shape.TEXT, _codes, _code),
    Target("forms", Shape.JSON, _bodies, _body),
    Target("cursors", Shape.TEXT, _cursors, _cursor),
    Target("envelopes", Shape.JSON, _envelopes, _envelope),
    Target("canonical-json", Shape.JSON, _payloads, _canonical),
    Target("notes", Shape.TEXT, _notes, _note),
    Target("bundles", Shape.BYTES, _bundles, _bundle),
    Target("map-proofs", Shape.JSON, _map_proofs, _map_proof),
    Target("packs", Shape.ARCHIVE, _packs, _pack, most_mb=256, cpu_s=20),
    Target("pack-texts", Shape.JSON, _pack_texts, _pack_text, most_mb=128, cpu_s=20),
)


def named() -> Iterator[str]:
    return (target.name for target in TARGETS)
