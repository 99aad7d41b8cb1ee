"""Loads a scenario folder and says after each step how far the log reaches, at once.

Run as a process of its own, to be killed. What it said was acknowledged and must not be lost.
"""

import json
import sys
from pathlib import Path

from api import bootstrap
from api.folder import open_folder
from api.keyring import Keyring
from api.loading import Loading


def main(folder: Path) -> None:
    place = bootstrap.home()
    with bootstrap.opened(place, create=True) as ledger:

        def acknowledge(_done: int, _steps: int) -> None:
            size, note = ledger.log.select_checkpoint() or (0, "")
            sys.stdout.write(json.dumps([size, note]) + "\n")
            sys.stdout.flush()

        content = open_folder(folder)
        Loading(ledger, Keyring(place.keyring), content, bootstrap.now).run(acknowledge)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
