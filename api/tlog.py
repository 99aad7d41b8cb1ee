"""The log in public formats under /tlog: C2SP tlog-tiles, and tlog-proofs.

Nothing is served that the last published checkpoint does not cover.
"""

import gzip
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import PlainTextResponse, Response

from api.callers import ANYBODY
from api.dependencies import Served, TheLedger, served
from api.problems import RESPONSES
from ledger.anchoring.publications import published_at, receipt_under, require_latest
from ledger.anchoring.static_log import tile_bytes
from ledger.anchoring.witnesses import cosigned_note
from ledger.evidence.tlog_proof import write_tlog_proof
from ledger.evidence.tlog_tiles import Tile, TilePathUnknown

router = APIRouter(prefix="/tlog", tags=["transparency log"], responses=RESPONSES)

FOR_EVER = "public, max-age=31536000, immutable"
FRESH = "no-cache"
OCTETS = "application/octet-stream"


@router.head("/checkpoint", dependencies=[ANYBODY], include_in_schema=False)
@router.get("/checkpoint", dependencies=[ANYBODY], response_class=PlainTextResponse)
def show_checkpoint(found: Annotated[Served, Depends(served)]) -> PlainTextResponse:
    """Show the last published checkpoint with its cosignatures (C2SP tlog-checkpoint)."""
    note = cosigned_note(found.anchors, require_latest(found.ledger))
    return PlainTextResponse(note, headers={"Cache-Control": FRESH})


@router.head("/tile/{path:path}", dependencies=[ANYBODY], include_in_schema=False)
@router.get("/tile/{path:path}", dependencies=[ANYBODY], response_class=Response)
def show_tile(
    path: Annotated[
        str, Path(max_length=100, description="LEVEL/N or entries/N, as C2SP tlog-tiles has it.")
    ],
    found: Annotated[Served, Depends(served)],
    accept_encoding: Annotated[str, Header()] = "",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Show a tile of hashes, or a bundle of entries; it never changes."""
    tile = Tile.from_path(f"tile/{path}")
    if not tile.is_within(require_latest(found.ledger).size):
        raise TilePathUnknown
    content = tile_bytes(found.ledger.log, tile)
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"Cache-Control": FOR_EVER, "ETag": etag, "Vary": "Accept-Encoding"}
    if if_none_match == etag:
        return Response(status_code=304, headers=headers)
    if tile.level is None and "gzip" in accept_encoding.lower():
        # The date that gzip would put in is left out: equal bundles give equal bytes.
        content = gzip.compress(content, compresslevel=6, mtime=0)
        headers |= {"Content-Encoding": "gzip", "ETag": f'{etag[:-1]}-gzip"'}
    return Response(content, media_type=OCTETS, headers=headers)


@router.get("/proof/{position}", dependencies=[ANYBODY], response_class=PlainTextResponse)
def show_proof(
    position: Annotated[int, Path(ge=0, lt=2**53, examples=[0])],
    the_ledger: TheLedger,
    checkpoint: Annotated[
        int | None,
        Query(ge=1, lt=2**53, description="Size of a published checkpoint; the last unless given."),
    ] = None,
) -> PlainTextResponse:
    """Show that an entry is in the log as it was published (C2SP tlog-proof)."""
    under = (
        require_latest(the_ledger) if checkpoint is None else published_at(the_ledger, checkpoint)
    )
    receipt = receipt_under(the_ledger, position, under)
    return PlainTextResponse(write_tlog_proof(receipt))
