"""The only reader of the environment. Every setting is documented in .env.example, and a test holds both together."""

from __future__ import annotations

import os
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from market_pipeline.errors import ConfigurationError


class Feed(StrEnum):
    """Where quotes come from; the two never share a folder."""

    SIMULATED = "simulated"
    LIVE = "live"


def _own(name: str, *others: str) -> AliasChoices:
    return AliasChoices(f"MARKET_PIPELINE_{name}", *others)


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("write an address like http://127.0.0.1:8765")
    return text.rstrip("/")


def _read_proxies(text: str) -> dict[str, tuple[str, ...]]:
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


def _checked_proxies(value: SecretStr) -> SecretStr:
    _read_proxies(value.get_secret_value())
    return value


def _checked_reports(text: str) -> str:
    unknown = [name for name in _names(text) if name not in ("daily", "weekly")]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no report; write daily, weekly or daily,weekly")
    return text


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


class Settings(BaseSettings):
    """All settings. A name without prefix belongs to a service whose own name for it is established.

    An empty value counts as not set, as containers pass on what nobody filled in.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, populate_by_name=True
    )

    feed: Feed = Field(Feed.SIMULATED, validation_alias=_own("FEED"), description="simulated or live")
    data: Path = Field(Path("data"), validation_alias=_own("DATA"), description="folder of all data")
    simulator_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "http://127.0.0.1:8765", validation_alias=_own("SIMULATOR_URL"), description="the simulated exchange"
    )
    ui_port: int = Field(3000, ge=1, le=65535, validation_alias=_own("UI_PORT"), description="port of Dagster's UI")
    ui_url: Annotated[str, AfterValidator(_base_url)] | None = Field(
        None,
        validation_alias=_own("UI_URL"),
        description="address of Dagster's UI for links in alerts, if others reach it by another than this machine does",
    )
    code_port: int = Field(
        3030, ge=1, le=65535, validation_alias=_own("CODE_PORT"), description="port of the code server, for `up`"
    )
    budgets: bool = Field(
        True, validation_alias=_own("BUDGETS"), description="on or off; off only with the simulated feed"
    )
    ca_bundle: Path | None = Field(
        None, validation_alias=_own("CA_BUNDLE"), description="extra certificates (PEM) for sources with a broken chain"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", validation_alias=_own("LOG_LEVEL"), description="DEBUG, INFO, WARNING or ERROR"
    )
    contact: str = Field(
        "https://github.com/market-pipeline",
        validation_alias=_own("CONTACT"),
        description="shown in the User-Agent, so that a source's operator can reach you",
    )
    proxies: Annotated[SecretStr, AfterValidator(_checked_proxies)] | None = Field(
        None,
        validation_alias=_own("PROXIES"),
        description="proxies of your own per source, like `yahoo=http://user:password@host:port,http://host:port; ...`",
    )
    proxied_keys: str = Field(
        "",
        validation_alias=_own("PROXIED_KEYS"),
        description="comma-separated sources whose keys may travel through a proxy; the others refuse one",
    )
    dhan_client_id: str | None = Field(None, validation_alias="DHAN_CLIENT_ID", description="Dhan HQ client id")
    dhan_api_token: SecretStr | None = Field(
        None, validation_alias="DHAN_API_TOKEN", description="Dhan HQ access token (renew it daily)"
    )
    slack_webhook_url: SecretStr | None = Field(
        None, validation_alias="SLACK_WEBHOOK_URL", description="Slack incoming webhook for alerts"
    )
    slack_bot_token: SecretStr | None = Field(
        None, validation_alias="SLACK_BOT_TOKEN", description="Slack bot token, instead of a webhook"
    )
    slack_channel: str = Field(
        "#market-pipeline", validation_alias="SLACK_CHANNEL", description="channel for the bot token"
    )
    slack_api_url: str | None = Field(
        None, validation_alias="SLACK_API_URL", description="base URL of Slack's API, if not Slack's own"
    )
    smtp_host: str | None = Field(None, validation_alias="SMTP_HOST", description="mail server for alerts")
    smtp_port: int = Field(587, ge=1, le=65535, validation_alias="SMTP_PORT", description="465: TLS from the start")
    smtp_username: str | None = Field(None, validation_alias="SMTP_USERNAME", description="empty for a plain relay")
    smtp_password: SecretStr | None = Field(None, validation_alias="SMTP_PASSWORD", description="its password")
    smtp_sender: str = Field(
        "market_pipeline@localhost", validation_alias="SMTP_SENDER", description="From: address of alerts"
    )
    alert_email_recipients: str = Field(
        "", validation_alias="ALERT_EMAIL_RECIPIENTS", description="comma-separated addresses"
    )
    mail_reports: Annotated[str, AfterValidator(_checked_reports)] = Field(
        "",
        validation_alias=_own("MAIL_REPORTS"),
        description="reports that are mailed when they are made: daily, weekly or daily,weekly; none by default",
    )
    postgres_dsn: SecretStr | None = Field(
        None,
        validation_alias=_own("POSTGRES_DSN", "POSTGRES_DSN"),
        description="PostgreSQL (Supabase too) that live_tickers are published to: postgresql://user:password@host/db",
    )

    @model_validator(mode="after")
    def _budgets_guard_real_sources(self) -> Settings:
        if self.feed is Feed.LIVE and not self.budgets:
            raise ValueError("MARKET_PIPELINE_BUDGETS=off is allowed only with MARKET_PIPELINE_FEED=simulated")
        return self

    @cached_property
    def feed_folder(self) -> Path:
        """Return the absolute folder that everything of this feed is written to."""
        return (self.data / self.feed.value).absolute()

    def proxies_of(self, source: str) -> tuple[str, ...]:
        """Return the addresses of the proxies listed for a source, credentials included; none by default."""
        return _read_proxies(self.proxies.get_secret_value()).get(source, ()) if self.proxies else ()

    @property
    def proxied_sources(self) -> tuple[str, ...]:
        """Return the sources that proxies are listed for."""
        return tuple(_read_proxies(self.proxies.get_secret_value())) if self.proxies else ()

    def may_send_keys_by_proxy(self, source: str) -> bool:
        """Tell whether the operator allows the keys of this source to travel through a proxy."""
        return source in [name.strip() for name in self.proxied_keys.split(",")]

    @property
    def mailed_reports(self) -> tuple[str, ...]:
        """Return the kinds of reports that are mailed when they are made."""
        return _names(self.mail_reports)

    @property
    def ui_address(self) -> str:
        """Return the address of Dagster's UI, without a slash at its end."""
        return self.ui_url or f"http://127.0.0.1:{self.ui_port}"

    @property
    def email_recipients(self) -> tuple[str, ...]:
        """Return the mail addresses that alerts go to."""
        return tuple(part.strip() for part in self.alert_email_recipients.split(",") if part.strip())


def load_settings() -> Settings:
    """Read the environment and .env. Raise ConfigurationError naming each variable, what was seen and what is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [_problem(found) for found in error.errors(include_url=False)]
        raise ConfigurationError(
            f"read the settings and cannot use them: {'; '.join(problems)}; a retry does not help; see .env.example"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"read the settings and cannot read .env ({type(error).__name__}); a retry does not help; "
            "make it a readable text file in UTF-8; see .env.example"
        ) from None


def _problem(found: Any) -> str:
    name = ".".join(map(str, found["loc"]))
    seen = "" if not name or _is_secret(name) else f" (seen: {found['input']!r})"
    message = str(found["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}{seen}" if name else message


def _is_secret(name: str) -> bool:
    return any(word in name.upper() for word in ("TOKEN", "PASSWORD", "WEBHOOK", "DSN", "PROXIES"))


def child_environment(settings: Settings, **extra: str) -> dict[str, str]:
    """Return the environment for a process that we start: this feed, compiled bytecode allowed, and `extra`."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.update(
        MARKET_PIPELINE_FEED=settings.feed.value,
        MARKET_PIPELINE_DATA=str(settings.data.absolute()),
        MARKET_PIPELINE_SIMULATOR_URL=settings.simulator_url,
        MARKET_PIPELINE_CODE_PORT=str(settings.code_port),
        PYTHONTZPATH="",
        **extra,
    )
    return environment
