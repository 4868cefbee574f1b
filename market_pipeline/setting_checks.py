"""What single settings must look like. Pure: a ValueError names what to write instead."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import SecretStr


def base_url(text: str) -> str:
    """Return an address without a slash at its end."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("write an address like http://127.0.0.1:8765")
    return text.rstrip("/")


def read_proxies(text: str) -> dict[str, tuple[str, ...]]:
    """Return source → addresses. Raises ValueError, without repeating what was written: it may hold a password."""
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        source, _, listed = part.partition("=")
        addresses = tuple(filter(None, map(str.strip, listed.split(","))))
        if not source.strip() or not addresses or not all(map(_is_proxy_address, addresses)):
            raise ValueError(
                "write source=http://user:password@host:port,http://host:port; and so on for other sources"
            )
        found[source.strip()] = addresses
    return found


def _is_proxy_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        return False


def checked_proxies(value: SecretStr) -> SecretStr:
    """Return the setting as it is, once it reads as proxies."""
    read_proxies(value.get_secret_value())
    return value


def checked_dagster_dsn(value: SecretStr) -> SecretStr:
    """Return the setting as it is, once it names the driver that Dagster speaks through."""
    # for SQLAlchemy 2.1 plain postgresql:// is psycopg 3, which dagster-postgres does not speak
    if not value.get_secret_value().startswith("postgresql+psycopg2://"):
        raise ValueError("write it as postgresql+psycopg2://user:password@host:5432/database")
    return value


def checked_reports(text: str) -> str:
    """Return the setting as it is, once it names reports that there are."""
    unknown = [name for name in names_in_text(text) if name not in ("daily", "weekly")]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no report; write daily, weekly or daily,weekly")
    return text


def names_in_text(text: str) -> tuple[str, ...]:
    """Return the names that commas separate."""
    return tuple(filter(None, map(str.strip, text.split(","))))
