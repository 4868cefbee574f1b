"""Finds, reads and checks market files. A file is refused as a whole, with every mistake named at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from market_pipeline.errors import MarketFileError, UsageError
from market_pipeline.markets.schema import MarketFile, Section, budget_disputes
from market_pipeline.markets.yaml_reader import YamlProblem, read_yaml

MARKET_COMPONENT = "market_pipeline.components.market.Market"
FILE_NAME = "defs.yaml"
_LABELS = ("symbol", "code", "name", "session_date")
_LIMITS = ("gt", "ge", "lt", "le", "min_length", "max_length", "pattern", "expected")


def load_market(name: str) -> MarketFile:
    """Return the checked file of one market. Raise UsageError for an unknown one, MarketFileError for a wrong file."""
    path = _paths().get(name)
    if path is None:
        close = difflib.get_close_matches(name, _paths(), n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise UsageError(
            f"looked for market {name!r}: there is no such market{hint}; a retry does not help; "
            f"known markets: {', '.join(_paths()) or 'none'}"
        )
    return _load(path)


def load_markets() -> dict[str, MarketFile]:
    """Return every market's checked file by name, sorted.

    Raise MarketFileError for the first wrong file, and for files that state different budgets of one source.
    """
    files = {name: load_market(name) for name in market_names()}
    agree_on_budgets(files)
    return files


def agree_on_budgets(files: Mapping[str, MarketFile]) -> None:
    """Raise MarketFileError, naming every dispute, unless all files state the same budgets for the same source."""
    disputes = budget_disputes((name, rule) for name, file in files.items() for rule in file.sources)
    if disputes:
        raise MarketFileError(
            f"read {len(files)} market files, which share their sources' budgets, and found that they differ; "
            f"a retry does not help; state the same in each:\n  {'\n  '.join(disputes)}"
        )


def market_files() -> dict[str, Path]:
    """Return where each market's file lies, by name, without checking it."""
    return dict(_paths())


def market_names() -> tuple[str, ...]:
    """Return the names of all markets that have a file, sorted, without checking the files."""
    return tuple(_paths())


def read_market_file(path: Path) -> MarketFile:
    """Read and check one market file, uncached. Raise MarketFileError naming keys, what was seen, what is allowed."""
    try:
        document = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YamlProblem) as error:
        raise _refusal(path, [str(error)]) from error
    attributes = document.get("attributes") if isinstance(document, Mapping) else None
    if not isinstance(attributes, Mapping):
        seen = type(attributes).__name__
        raise _refusal(path, [f"attributes: seen {seen}, allowed: a mapping, as in another market's file"])
    try:
        market = MarketFile.model_validate(attributes)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise _refusal(path, [_sentence(detail, attributes) for detail in details]) from error
    if market.market != path.parent.name:
        raise _refusal(path, [f"attributes.market: seen {market.market!r}, allowed: the folder's name"])
    return market


@cache
def _load(path: Path) -> MarketFile:
    return read_market_file(path)


@cache
def _paths() -> dict[str, Path]:
    folder = Path(str(resources.files("market_pipeline"))) / "defs"
    return market_paths(folder)


def market_paths(folder: Path) -> dict[str, Path]:
    """Return market name → file for every `<folder>/<market>/defs.yaml` that instantiates the market component."""
    paths = sorted(folder.glob(f"*/{FILE_NAME}"))
    return {path.parent.name: path for path in paths if MARKET_COMPONENT in path.read_text(encoding="utf-8")}


def _refusal(path: Path, problems: list[str]) -> MarketFileError:
    listing = "\n".join(f"  {problem}" for problem in problems)
    return MarketFileError(
        f"read {path.parent.name}/{path.name} and found {len(problems)} mistake{'s' if len(problems) > 1 else ''}; "
        f"a retry does not help; correct the file ({path}):\n{listing}"
    )


def _sentence(detail: ErrorDetails, attributes: Mapping[str, Any]) -> str:
    where = ".".join(("attributes", *_steps(detail["loc"], attributes)))
    if detail["type"] == "missing":
        return f"{where}: seen nothing, allowed: a value; this key is required"
    if detail["type"] == "extra_forbidden":
        allowed = ", ".join(_keys_beside(detail["loc"]))
        return f"{where}: seen a key that does not exist here, allowed: {allowed}"
    if isinstance(detail["input"], Mapping | list | tuple):
        return f"{where}: {detail['msg'].removeprefix('Value error, ')}"
    limits = detail.get("ctx", {})
    allowed = next((str(limits[key]) for key in _LIMITS if key in limits), "")
    message = detail["msg"].removeprefix("Value error, ")
    return f"{where}: seen {detail['input']!r}, allowed: {message if allowed in message else f'{message} ({allowed})'}"


def _steps(loc: tuple[int | str, ...], value: Any) -> Iterator[str]:
    """Yield the parts of a key path; an entry of a list carries its position (from 1) and its own name."""
    key = ""
    for step in loc:
        value = _inside(value, step)
        if isinstance(step, int):
            label = next((str(value[name]) for name in _LABELS if isinstance(value, Mapping) and name in value), "")
            key += f"[{step + 1}]" + (f"({label})" if label else "")
            continue
        if key:
            yield key
        key = step
    if key:
        yield key


def _inside(value: Any, step: int | str) -> Any:
    try:
        return value[step]
    except (KeyError, IndexError, TypeError):
        return None


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    """Return the keys that the schema knows where `loc` ends."""
    section: type[Section] = MarketFile
    for step in loc[:-1]:
        if isinstance(step, str) and step in section.model_fields:
            section = _section_in(section.model_fields[step].annotation) or section
    return sorted(section.model_fields)


def _section_in(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)
