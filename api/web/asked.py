"""What a page's address asks for: forms send empty fields, which ask for nothing."""

from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BeforeValidator, Field

from api.dependencies import DAYS
from projections.asked import Moment


def _nothing(value: Any) -> Any:
    return None if value == "" else value


Empty = BeforeValidator(_nothing)

Word = Annotated[Annotated[str, Field(max_length=200)] | None, Empty, Query()]
Number = Annotated[Annotated[int, Field(ge=0, lt=2**53)] | None, Empty, Query()]
Day = Annotated[Annotated[date, DAYS] | None, Empty, Query()]


def moment_on_page(as_of: Day = None, at: Number = None) -> Moment:
    """Read as of which day, and as known at which position."""
    return Moment(as_of, at)


TheMomentOnPage = Annotated[Moment, Depends(moment_on_page)]
