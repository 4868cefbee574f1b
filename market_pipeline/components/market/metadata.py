"""Turns step reports into Dagster metadata: counts, times, a small table. A minute run stays below 5 KB in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg

from market_pipeline.storage.tables import Table

if TYPE_CHECKING:
    from market_pipeline.quality.rule import RuleResult

Metadata = dict[str, Any]
SHOWN_FAILURES = 3
SHOWN_EXAMPLE = 120
"""Characters; the warehouse has the whole row."""


@cache
def column_schema(table: Table) -> dg.TableSchema:
    """Return the table's columns with unit and meaning, for the asset's page."""
    columns = []
    for column in table.columns:
        unit = f" [{column.unit}]" if column.unit else ""
        columns.append(dg.TableColumn(column.name, str(column.type), description=f"{column.description}{unit}"))
    return dg.TableSchema(columns=columns)


def table_metadata(table: Table) -> Metadata:
    """Return what is known of a table before any run."""
    return {"dagster/column_schema": column_schema(table), "dagster/table_name": table.name}


def event_range(first: datetime | None, last: datetime | None) -> Metadata:
    """Return the range of event times; nothing when there were no events."""
    if first is None or last is None:
        return {}
    return {"first_event": dg.MetadataValue.timestamp(first), "last_event": dg.MetadataValue.timestamp(last)}


def counts_text(counts: Mapping[str, int]) -> str:
    """Return "480 ok, 7 timeout"."""
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "nothing asked"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """Return a small table for people."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def valid_result(key: Sequence[str], rules: Sequence[RuleResult]) -> dg.AssetCheckResult:
    """Return the one `valid` check of a table, with its rules' results in the metadata."""
    failed = [rule for rule in rules if not rule.passed]
    is_error = any(rule.severity == "error" for rule in failed)
    shown = failed[:SHOWN_FAILURES]
    rows = [(rule.rule, rule.failed_rows, (rule.example or "")[:SHOWN_EXAMPLE], rule.what_to_do) for rule in shown]
    metadata: Metadata = {"rules": len(rules), "failed_rules": len(failed)}
    if rows:
        metadata["failures"] = markdown_table(("rule", "rows", "example", "what to do"), rows)
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(list(key)),
        check_name="valid",
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        metadata=metadata,
    )


def valid_spec(key: Sequence[str]) -> dg.AssetCheckSpec:
    """Return the declaration of a table's `valid` check."""
    return dg.AssetCheckSpec("valid", asset=dg.AssetKey(list(key)), description="every rule of this table holds")
