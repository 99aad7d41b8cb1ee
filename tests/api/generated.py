"""Generates a typed client from the OpenAPI document, in the form the ecosystem expects.

python -m tests.api.generated FOLDER     # writes the package `nuanzhang_client` there
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "nuanzhang_client"

CONFIG = """\
post_hooks: []
content_type_overrides:
  application/zip: application/octet-stream
  application/x-ndjson: application/octet-stream
  application/problem+json: application/json
"""


def generate(document: dict[str, Any], folder: Path) -> Path:
    """Write the package into a folder; return the folder that is to be imported from."""
    described = folder / "openapi.json"
    described.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(CONFIG)
    out = folder / PACKAGE
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "openapi-python-client"),
            "generate",
            "--path",
            str(described),
            "--config",
            str(config),
            "--output-path",
            str(out),
            "--meta",
            "none",
            "--overwrite",
            "--fail-on-warning",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return folder


def main() -> None:
    from tests.schema.serving import serving

    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as served:
        document: dict[str, Any] = served.service.app.openapi()
    generate(document, Path(sys.argv[1]))


if __name__ == "__main__":
    main()
