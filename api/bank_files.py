"""Bank files on their way out and in: the same for programs and for pages."""

from fastapi import Response, UploadFile

from api.file_answer import file_answer
from api.uploads import filename_of, whole
from ledger.commands.statements import ReturnFile
from ledger.files.bank import InstructionFile
from ledger.files.banks import read_return


def bank_file_answer(file: InstructionFile) -> Response:
    """Hand out a bank's payment file, as it is, with its hash; nobody keeps a copy on the way.

    `Rows-Left-Out` names the rows whose recipients' data may not be used, where there are any, and
    `Rows-Stopped` those whose payments an upheld objection stopped.
    """
    digest = bytes.fromhex(file.sha256)
    answer = file_answer(file.content, "application/octet-stream", file.filename, sha256=digest)
    if file.left_out:
        answer.headers["Rows-Left-Out"] = ", ".join(map(str, file.left_out))
    if file.stopped:
        answer.headers["Rows-Stopped"] = ", ".join(map(str, file.stopped))
    return answer


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
    content = read_return(bank_format or "", name, data, batch_code)
    return ReturnFile(batch_code, name, content)
