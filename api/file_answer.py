"""Files that are handed out: what they are, what they are called, and that nobody keeps a copy."""

from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote

from fastapi import Response
from fastapi.responses import StreamingResponse

CSV = "text/csv; charset=utf-8"
JSON = "application/json"
PDF = "application/pdf"
TEXT = "text/plain; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ZIP = "application/zip"


def file_answer(
    content: bytes | str | Iterable[bytes],
    media_type: str,
    name: str,
    *,
    shown: bool = False,
    sha256: bytes | None = None,
) -> Response:
    """Answer with a file.

    Args:
        content: All of it, or its pieces, which are sent as they come.
        media_type: What it is.
        name: What it is called; may be in any script.
        shown: In the browser, where it can show such files, rather than put away.
        sha256: Its digest, for whoever holds it against the log.

    Source: RFC 6266 and 8187 (names), RFC 9530 (Content-Digest).
    """
    headers = {
        "Content-Disposition": f"{'inline' if shown else 'attachment'}; {_named(name)}",
        "Cache-Control": "no-store",
    }
    if sha256 is not None:
        headers["Content-Digest"] = f"sha-256=:{b64encode(sha256).decode()}:"
    if isinstance(content, bytes | str):
        return Response(content, media_type=media_type, headers=headers)
    return StreamingResponse(content, media_type=media_type, headers=headers)


def _named(name: str) -> str:
    """Write a name so that it can stand in a header, which holds Latin letters alone as they are.

    Whoever asked for a file may have named it, so marks that end a name are written apart, too.
    """
    plain = name.isascii() and name.isprintable() and not set(name) & {'"', "\\", "%"}
    return f'filename="{name}"' if plain else f"filename*=UTF-8''{quote(name)}"
