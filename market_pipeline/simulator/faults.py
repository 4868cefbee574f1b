"""Fault plans: which answers go wrong, how, when and how often. Draws are seeded, so a drill can be repeated.

Faults of the answer (429, html, truncated …) replace or damage one HTTP answer; faults of the data (x100, stale …)
change what the answer says about single symbols.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from market_pipeline.errors import UsageError
from market_pipeline.simulator.randomness import uniform


class FaultKind(StrEnum):
    """What goes wrong."""

    RATE_LIMITED = "429"
    UNAUTHORISED = "401"
    FORBIDDEN = "403"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    SLOW = "slow"
    DRIP = "drip"
    HTML = "html"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    WRONG_ENCODING = "wrong_encoding"
    NULLS = "nulls"
    NAN = "nan"
    X100 = "x100"
    STALE = "stale"
    DUPLICATE = "duplicate"
    FUTURE = "future"


DATA_FAULTS = frozenset(
    {FaultKind.NULLS, FaultKind.NAN, FaultKind.X100, FaultKind.STALE, FaultKind.DUPLICATE, FaultKind.FUTURE}
)
DEFAULT_SECONDS = {FaultKind.SLOW: 30.0, FaultKind.STALE: 3600.0, FaultKind.FUTURE: 600.0}


class Fault(BaseModel):
    """One rule of a plan; whatever it leaves out matches everything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[FaultKind, BeforeValidator(str)]
    source: str | None = None
    route: str | None = Field(None, description="pattern on the path below the source's prefix, like /v2/charts/*")
    symbols: tuple[str, ...] = Field((), description="our symbols (ATW, RELIANCE, BTC-USD)")
    start: AwareDatetime | None = Field(None, description="from this moment of the exchange's clock on")
    end: AwareDatetime | None = Field(None, description="before this moment of the exchange's clock")
    rate: float = Field(1.0, gt=0, le=1, description="share of the matching answers (symbols and minutes for data)")
    first: int | None = Field(None, ge=1, description="only the first so many matching answers")
    seconds: float | None = Field(
        None, gt=0, description="slow: wait; stale: how old; future: how far ahead; 429, 503: Retry-After"
    )
    bytes_per_second: float = Field(10.0, gt=0, description="drip")
    factor: float = Field(100.0, gt=0, description="x100")

    @model_validator(mode="after")
    def _counts_answers_only(self) -> Fault:
        if self.first is not None and self.kind in DATA_FAULTS:
            raise ValueError(f"`first` counts answers, but {self.kind} changes data; use start and end instead")
        return self

    @property
    def duration(self) -> float:
        """Return `seconds`, or what this kind takes without it."""
        return self.seconds if self.seconds is not None else DEFAULT_SECONDS.get(self.kind, 0.0)

    def is_due(self, source: str, route: str, now: datetime) -> bool:
        """Tell whether this rule concerns a route of a source at a moment."""
        return (
            (self.source is None or self.source == source)
            and (self.route is None or fnmatchcase(route, self.route))
            and (self.start is None or self.start <= now)
            and (self.end is None or now < self.end)
        )


class FaultPlan(BaseModel):
    """All rules. The first matching fault of the answer wins; faults of the data add up in order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 0
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class DataFault:
    """A fault of the data, drawn for one answer: `hits` tells which symbols it changes."""

    fault: Fault
    hits: Callable[[str], bool]


class FaultBook:
    """The plan in force, and how often each rule has matched."""

    def __init__(self, plan: FaultPlan | None = None) -> None:
        self.plan = plan or FaultPlan()
        self._matches: Counter[int] = Counter()

    def replace(self, plan: FaultPlan) -> None:
        """Put another plan in force and start counting anew."""
        self.plan = plan
        self._matches.clear()

    def answer_fault(self, source: str, route: str, *, symbol: str | None, now: datetime) -> Fault | None:
        """Draw the fault of one answer. A rule with symbols hits only requests that ask for one of them alone."""
        for number, fault in enumerate(self.plan.faults):
            if fault.kind in DATA_FAULTS or not fault.is_due(source, route, now):
                continue
            if fault.symbols and symbol not in fault.symbols:
                continue
            if self._drawn(number, fault):
                return fault
        return None

    def _drawn(self, number: int, fault: Fault) -> bool:
        self._matches[number] += 1
        count = self._matches[number]
        return (fault.first is None or count <= fault.first) and uniform(self.plan.seed, number, count) < fault.rate

    def data_faults(self, source: str, route: str, *, now: datetime) -> tuple[DataFault, ...]:
        """Return the faults of the data; a symbol's draw holds for the whole minute, so that routes agree."""
        return tuple(
            DataFault(fault, self._hits(number, fault, now))
            for number, fault in enumerate(self.plan.faults)
            if fault.kind in DATA_FAULTS and fault.is_due(source, route, now)
        )

    def _hits(self, number: int, fault: Fault, now: datetime) -> Callable[[str], bool]:
        minute = int(now.timestamp()) // 60

        def hits(symbol: str) -> bool:
            is_meant = not fault.symbols or symbol in fault.symbols
            return is_meant and uniform(self.plan.seed, number, symbol, minute) < fault.rate

        return hits


def parse_plan(text: str, *, origin: str) -> FaultPlan:
    """Read a plan from YAML or JSON. Raise UsageError naming the rule, the key, what was seen and what is allowed."""
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _wrong(origin, f"it is neither YAML nor JSON ({error})") from error
    if isinstance(document, list):
        document = {"faults": document}
    try:
        return FaultPlan.model_validate(document if document is not None else {})
    except ValidationError as error:
        raise _wrong(origin, "; ".join(_finding(item) for item in error.errors(include_url=False))) from None


def load_plan(path: Path) -> FaultPlan:
    """Read a plan from a file. Raise UsageError when it is missing or wrong."""
    try:
        return parse_plan(path.read_text(encoding="utf-8"), origin=str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(str(path), f"the file cannot be read ({error})") from error


def plan_as_json(plan: FaultPlan) -> str:
    """Return a plan as it could be posted again, without what was left out."""
    return json.dumps(plan.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)


def _finding(item: Any) -> str:
    where = ".".join(map(str, item["loc"])) or "plan"
    if item["type"] == "extra_forbidden":
        known = FaultPlan if len(item["loc"]) == 1 else Fault
        return f"{where}: unknown key (allowed: {', '.join(known.model_fields)})"
    return f"{where}: {item['msg']} (seen: {item.get('input')!r})"


def _wrong(origin: str, seen: str) -> UsageError:
    return UsageError(
        f"tried to read the fault plan {origin}: {seen}; a retry does not help; "
        "correct it, for example {faults: [{kind: 429, source: dhan, rate: 0.3, seconds: 2}]}"
    )
