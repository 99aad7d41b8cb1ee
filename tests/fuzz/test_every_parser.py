"""Changed files for every reader: a glance in `make test`, minutes each in `make fuzz`."""

import os
import sys
from collections.abc import Callable

import pytest

from tests.fuzz.running import fuzz, glance
from tests.fuzz.targets import TARGETS, Target

SECONDS = float(os.environ.get("FUZZ_SECONDS", "600"))
BEGIN = int(os.environ.get("FUZZ_BEGIN", "1000"))
GLANCE, GLANCE_AT_SCANS = 15, 3
"""Files of each in `make test`, which has little time; a scan takes half a second."""

every_target = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


@every_target
def test_a_changed_file_is_read_or_refused_with_a_code(target: Target) -> None:
    assert glance(target, GLANCE_AT_SCANS if "scans" in target.name else GLANCE)


# What a library remarks on standard error of a picture that it reads all the same.
@pytest.mark.filterwarnings("ignore:Invalid APNG:UserWarning")
@pytest.mark.fuzz
@every_target
def test_changed_files_for_a_while(
    target: Target,
    record_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    came = fuzz(target, SECONDS, BEGIN)

    assert came.total()
    record_property("files", came.total())
    record_property("came", dict(came.most_common()))
    with capsys.disabled():
        sys.stdout.write(f" {came.total():,} files ")
