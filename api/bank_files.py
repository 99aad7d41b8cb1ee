"""Bank files on their way out and in: the same for programs and for pages."""

from base64 import b64encode
from urllib.parse import quote

from fastapi import Response, UploadFile

from api.uploads import filename_of, whole
from ledger.commands.statements import ReturnFile
from ledger.files.bank import InstructionFile
from ledger.files.banks import read_return


def bank_file_answer(file: InstructionFile) -> Response:
    """Hand out a bank's payment file, as it is, with its hash; nobody keeps a copy on the way."""
    return Response(
        file.content,
        media_type="application/octet-stream",
        headers={
            # Batches of past campaigns have names that no header can hold as they are (RFC 8187).
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(file.filename)}",
            "Content-Digest": f"sha-256=:{b64encode(bytes.fromhex(file.sha256)).decode()}:",
            "Cache-Control": "no-store",
        },
    )


def return_uploaded(batch_code: str, bank_format: str | None, file: UploadFile) -> ReturnFile:
    """Read what a bank sent back for a batch, in the format that the batch went out in.

    Raises:
        FileRefused, UploadTooLarge: It cannot be read.
    """
    return return_read(batch_code, bank_format, filename_of(file), whole(file))


def return_read(batch_code: str, bank_format: str | None, name: str, data: bytes) -> ReturnFile:
    """Read the same from bytes that waited.

    Raises:
        FileRefused: It cannot be read.
    """
    return ReturnFile(batch_code, name, read_return(bank_format or "", name, data))
