"""A package as it is taken away over HTTP."""

from fastapi.responses import StreamingResponse

from api.background.packages import Packages


def package_file(packages: Packages, job_id: str) -> StreamingResponse:
    """Answer with a package, opened piece by piece.

    Raises:
        PackageGone: It is not kept any more.
    """
    return StreamingResponse(
        packages.read(job_id),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="inspection-{job_id[:8]}.zip"',
            "Cache-Control": "no-store",
        },
    )
