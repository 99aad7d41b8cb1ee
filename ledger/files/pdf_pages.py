"""Pages of a PDF as grey pictures, drawn by a process of its own that may use little.

Two kilobytes can unpack to gigabytes. So a file from outside is unpacked where it harms nobody: run
as a script, with the file on standard input, and then ended. Each page comes out as its width and
height and so many bytes. It imports nothing of ours: it starts in the time that its library takes.
"""

import resource
import struct
import sys

import pypdfium2
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

HEAD = ">II"
POINTS_AN_INCH = 72
UNREADABLE, TOO_LARGE = 3, 4
"""What it ends with; however else it ends, the file took more than it was given."""

MEMORY_BYTES = 1536 * 1024 * 1024
CPU_S = 120


def main(dpi: int, pages_max: int, pixels_max: int, layers_max: int, side_points_max: int) -> int:
    """Draw each page of a file, unless it is too large; return how it ended."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        document = pypdfium2.PdfDocument(sys.stdin.buffer.read())
        if len(document) > pages_max:
            return TOO_LARGE
        for page in document:
            if not 0 < max(page.get_size()) <= side_points_max:
                return TOO_LARGE
            # Pictures inside are unpacked whole before they are drawn, however small they come out.
            # Some scanners cut a page into strips; none draws it over more than a few times.
            sizes = [each.get_px_size() for each in page.get_objects([FPDF_PAGEOBJ_IMAGE])]
            pixels = [wide * high for wide, high in sizes]
            if max(pixels, default=0) > pixels_max or sum(pixels) > pixels_max * layers_max:
                return TOO_LARGE
            drawn = page.render(scale=dpi / POINTS_AN_INCH, grayscale=True).to_pil().convert("L")
            sys.stdout.buffer.write(struct.pack(HEAD, *drawn.size) + drawn.tobytes())
    except pypdfium2.PdfiumError:
        return UNREADABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(*(int(each) for each in sys.argv[1:])))
