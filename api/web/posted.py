"""Acts that a page's form brings: its key makes a form that is sent twice count once."""

from typing import Annotated

from fastapi import Depends, Form

from api.acting import Acting
from api.callers import TheCaller
from api.dependencies import TheServed

FormKey = Annotated[str, Form(pattern=r"^[!-~]{1,200}$")]


def acting_on_page(caller: TheCaller, found: TheServed, key: FormKey) -> Acting:
    clock = found.clock
    return Acting(caller, clock.today(), clock.now(), key, None)


TheActingOnPage = Annotated[Acting, Depends(acting_on_page)]
