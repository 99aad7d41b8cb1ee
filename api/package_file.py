"""A package as it is taken away over HTTP."""

from fastapi import Response

from api.background.packages import Packages
from api.file_answer import ZIP, file_answer


def package_file(packages: Packages, job_id: str) -> Response:
    """Answer with a package, opened piece by piece.

    Raises:
        PackageGone: It is not kept any more.
    """
    return file_answer(packages.read(job_id), ZIP, f"inspection-{job_id[:8]}.zip")
