"""How much an alert matters: what is critical is told at once, also in quiet hours."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Severity(StrEnum):
    """From what can wait until morning to what cannot."""

    WARNING = "warning"
    CRITICAL = "critical"


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the gravest of some severities; a warning for none."""
    return Severity.CRITICAL if Severity.CRITICAL in set(severities) else Severity.WARNING


def is_graver(severity: Severity, than: Severity) -> bool:
    """Tell whether one severity is above another."""
    return severity is Severity.CRITICAL and than is Severity.WARNING
