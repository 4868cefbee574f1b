"""Reads the connection string of PostgreSQL, and words what libpq says about a failed connection.

No password, and no text of libpq about the string itself, ever comes out of here: libpq quotes what it cannot read.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from market_pipeline.errors import ConfigurationError, MarketPipelineError, SinkUnreachable

SETTING = "MARKET_PIPELINE_POSTGRES_DSN"
REFUSALS = ("authentication failed", "does not exist", "pg_hba.conf", "not permitted to log in", "no password supplied")
"""What a server says to somebody it will not let in; a failed connection has no SQLSTATE to go by."""
FAILURES = (
    "Connection refused",
    "timeout expired",
    "failed to resolve host",
    "server closed the connection",
    "starting up",
    "shutting down",
    "too many clients",
    "No such file or directory",
    "SSL",
)
EXAMPLE = "write postgresql://user:password@host:5432/database, with %40 for @ and %2F for / in the password"


@dataclass(frozen=True)
class Target:
    """A database to publish to. `name` is host:port/database: what may be shown."""

    dsn: SecretStr
    name: str


def target_of(dsn: SecretStr) -> Target:
    """Return where `dsn` leads. Raise ConfigurationError, without a word of the string, when that is unclear."""
    from psycopg import Error
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = {key: str(value) for key, value in conninfo_to_dict(dsn.get_secret_value()).items()}
    except Error:
        raise _unreadable() from None
    host, port, database = parts.get("host", "local socket"), parts.get("port", "5432"), parts.get("dbname", "")
    is_clear = all(part.isdigit() for part in port.split(",")) and not set("@/") & set(database) and "@" not in host
    if not is_clear:  # an @ or / of the password that was not escaped ends up in one of these
        raise _unreadable()
    return Target(dsn, f"{host}:{port}/{database or parts.get('user', '')}")


def connection_error(target: Target, error: Exception) -> MarketPipelineError:
    """Return our error for a connection that could not be made."""
    seen = " ".join(str(error).split())
    if any(refusal in seen for refusal in REFUSALS):
        reason = next(refusal for refusal in REFUSALS if refusal in seen)
        return ConfigurationError(
            f"asked PostgreSQL at {target.name} to let us in and it refused ({reason}); a retry does not help; "
            f"correct user, password or database in {SETTING}"
        )
    return SinkUnreachable(
        f"tried to reach PostgreSQL at {target.name} and could not ({_kind(seen)}); it is tried again each minute and "
        f"nothing is lost; if it lasts, check the server, the network and {SETTING}"
    )


def _kind(seen: str) -> str:
    return next((kind for kind in FAILURES if kind in seen), "no connection")


def _unreadable() -> ConfigurationError:
    return ConfigurationError(
        f"read {SETTING} and it is no connection string that can be understood; a retry does not help; {EXAMPLE}"
    )
