"""Acts that a page's form brings: its key makes a form that is sent twice count once."""

from typing import Annotated

from fastapi import Depends, Form

from api.acting import Acting
from api.callers import TheCaller
from api.dependencies import TheServed
from api.v1.written import RecordedRefusal, kind_of
from ledger.store.application import Answer

FormKey = Annotated[str, Form(pattern=r"^[!-~]{1,200}$")]


def acting_on_page(caller: TheCaller, found: TheServed, key: FormKey) -> Acting:
    clock = found.clock
    return Acting(caller, clock.today(), clock.now(), key, None)


def done(answer: Answer) -> Answer:
    """Return what came of an act.

    Raises:
        RecordedRefusal: It was refused, and the attempt put on record.
    """
    if answer.refusal_code is not None:
        raise RecordedRefusal(answer, kind_of(answer.refusal_code))
    return answer


TheActingOnPage = Annotated[Acting, Depends(acting_on_page)]
