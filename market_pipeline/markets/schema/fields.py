"""The kinds of values in a market file: names, codes, times of day; and the base of every part."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from market_pipeline.model.quiet_hours import parse_quiet_hours

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Isin = Annotated[str, Field(pattern=r"^[A-Z]{2}[A-Z0-9]{9}[0-9]$")]
MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
NEXT_MIDNIGHT = time(0)


def _quoted_time(value: Any) -> Any:
    if isinstance(value, int | float):
        # YAML 1.1 reads an unquoted 15:30 as the base-60 number 930, which would become 00:15:30
        raise ValueError('a time of day in quotes, like "15:30"')
    return value


def _regular_expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from None
    return value


def _quiet_hours(value: str) -> str:
    parse_quiet_hours(value)
    return value


LocalTime = Annotated[time, BeforeValidator(_quoted_time)]
QuietHoursText = Annotated[str, AfterValidator(_quiet_hours)]
Pattern = Annotated[str, AfterValidator(_regular_expression)]


class Section(BaseModel):
    """A part of a market file: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
