"""What SQL derives from the tables: bars as they were known, corporate actions, and indicators of some symbols."""

# ruff: noqa: S608  (the names are ours)

from __future__ import annotations

from collections.abc import Sequence

from market_pipeline.storage.tables import BARS_1D, BARS_1M, BARS_1M_REPLACED, Table

AS_OF = "bars_1m_as_of"
CORPORATE_ACTIONS = "corporate_actions"
INDICATORS_OF = "indicators_of"
INDICATORS = "indicators_1m"

_AS_OF_SQL = f"""
CREATE MACRO {AS_OF}(moment) AS TABLE
SELECT * FROM (SELECT * FROM bars_1m UNION ALL BY NAME SELECT * FROM bars_1m_replaced) AS every_revision
WHERE known_at <= moment::TIMESTAMPTZ
QUALIFY row_number() OVER (PARTITION BY market, symbol, interval_start ORDER BY revision DESC, known_at DESC) = 1
"""
# session_date chooses the files that are read; interval_start alone would open all of them
_INDICATORS_SQL = f"""
CREATE MACRO {INDICATORS_OF}(market_name, symbols := NULL, first_session := NULL, last_session := NULL) AS TABLE
SELECT * FROM {INDICATORS}
WHERE market = market_name AND (symbols IS NULL OR list_contains(symbols::VARCHAR[], symbol))
    AND (first_session IS NULL OR session_date >= first_session::DATE)
    AND (last_session IS NULL OR session_date <= last_session::DATE)
"""
_CORPORATE_ACTIONS_SQL = f"""
CREATE VIEW {CORPORATE_ACTIONS} AS
SELECT market, source, symbol, session_date AS effective_on, 'split' AS action, split_ratio AS value,
       'new shares for an old one' AS meaning, known_at
FROM bars_1d WHERE split_ratio IS NOT NULL AND split_ratio > 0 AND split_ratio <> 1
UNION ALL
SELECT market, source, symbol, session_date, 'dividend', dividend,
       CASE WHEN is_split_adjusted THEN 'cash a share, divided by every later split' ELSE 'cash a share' END, known_at
FROM bars_1d WHERE dividend IS NOT NULL AND dividend > 0
"""


def derived_statements(tables: Sequence[Table]) -> list[str]:
    """Return the statements that create what can be derived from `tables`; their views must be there already."""
    names = {table.name for table in tables}
    statements = []
    if {BARS_1M.name, BARS_1M_REPLACED.name} <= names:
        statements.append(_AS_OF_SQL)
    if INDICATORS in names:
        statements.append(_INDICATORS_SQL)
    if BARS_1D.name in names:
        statements += [
            _CORPORATE_ACTIONS_SQL,
            f"COMMENT ON VIEW {CORPORATE_ACTIONS} IS 'Splits and dividends that the daily bars carry, one row each'",
        ]
    return statements


def derived_names(tables: Sequence[Table]) -> list[str]:
    """Return the names of the derived views; macros are no views."""
    return [CORPORATE_ACTIONS] if BARS_1D.name in {table.name for table in tables} else []
