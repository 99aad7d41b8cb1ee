"""`nuanzhang timestamp …`: RFC 3161 time-stamps on the last published checkpoint."""

from pathlib import Path
from typing import Annotated

import httpx2
import typer
from cryptography.x509 import Certificate, load_pem_x509_certificate
from rfc3161_client import TimeStampRequest

from api import bootstrap
from api.cli.drafts import drafted, told_of
from api.cli.printing import say
from ledger.anchoring.anchors import Anchors
from ledger.anchoring.publications import require_latest
from ledger.anchoring.timestamps import ask_authority, request_for, verify_timestamp
from ledger.errors import Kind, LedgerError
from ledger.evidence.note import split_note

app = typer.Typer(
    help="Have a time-stamp authority say when a checkpoint stood (RFC 3161).",
    no_args_is_help=True,
)

Root = Annotated[Path, typer.Option("--root", help="Root certificate of the authority, PEM.")]


class CertificateUnreadable(LedgerError):
    """The file is no certificate."""

    code = "timestamp.certificate_unreadable"
    kind = Kind.INVALID

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} is no certificate in PEM form")


def certificate(path: Path) -> Certificate:
    """Read a certificate.

    Raises:
        CertificateUnreadable: It is none.
    """
    try:
        return load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        raise CertificateUnreadable(path) from None


@app.command()
def stamp(
    url: Annotated[str, typer.Argument(help="Where the authority is asked.")], root: Root
) -> None:
    """Have the last published checkpoint stamped over HTTP."""
    trusted = certificate(root)
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        published = require_latest(ledger)
        body, _ = split_note(published.note)
        request = request_for(body)
        with httpx2.Client(follow_redirects=False) as client:
            token = ask_authority(client, url, request)
        _keep(place.anchors, published.size, body, token, trusted, request.nonce)


@app.command()
def request(out: Annotated[Path, typer.Argument(help="File to write the request into.")]) -> None:
    """Write a request to carry to an authority, where there is no network."""
    with bootstrap.opened(bootstrap.home()) as ledger:
        published = require_latest(ledger)
        made: TimeStampRequest = request_for(split_note(published.note)[0])
        with drafted(out) as draft, told_of(out):
            draft.write_bytes(made.as_bytes())
        say(f"{out}: request for the checkpoint of {published.size} entries")


@app.command(name="import")
def import_token(
    file: Annotated[Path, typer.Argument(help="The authority's answer.")], root: Root
) -> None:
    """Take in an answer that was carried back; it must be on the last published checkpoint."""
    trusted = certificate(root)
    place = bootstrap.home()
    with bootstrap.opened(place) as ledger:
        published = require_latest(ledger)
        body, _ = split_note(published.note)
        _keep(place.anchors, published.size, body, file.read_bytes(), trusted, None)


def _keep(
    path: Path, size: int, body: str, token: bytes, root: Certificate, nonce: int | None
) -> None:
    moment = verify_timestamp(body, token, [root], nonce)
    anchors = Anchors(path)
    anchors.add_timestamp(size, token, root.subject.rfc4514_string(), moment.isoformat())
    anchors.close()
    say(f"the checkpoint of {size} entries stood by {moment.isoformat()}")
