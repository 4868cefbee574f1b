"""The examination behind `doctor`: each finding with its remedy. Nothing here raises; what fails is a finding."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import requests

from market_pipeline.clock import SystemClock
from market_pipeline.errors import MarketPipelineError
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.schema import MarketFile
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.markets.zones import check_zone_table, zone_table_version
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.source import source_module

LOW_DISK_BYTES = 5_000_000_000
REACH_SECONDS = 5


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: Literal["ok", "warn", "fail"]
    what: str
    found: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Return one finding for everything that the pipeline relies on."""
    return [
        _zones(),
        *_calendars(),
        *_keys(settings),
        _disk(settings),
        *_ports(settings),
        *_sources(settings),
    ]


def _zones() -> Finding:
    try:
        check_zone_table()
    except MarketPipelineError as error:
        return Finding("fail", "time zones", str(error), "install the pinned tzdata: make setup")
    return Finding("ok", "time zones", f"tzdata {zone_table_version()}, Morocco at UTC+0")


def _calendars() -> Iterator[Finding]:
    today = SystemClock().now().date()
    for name, file in load_markets().items():
        calendar = calendar_for(file)
        warning = calendar.warning(today)
        found = warning or f"published until {calendar.last_published_day()}"
        remedy = "beyond it a provisional calendar serves; update exchange_calendars or the dated holiday file"
        yield Finding("warn" if warning else "ok", f"calendar of {name}", found, remedy if warning else "")


def _keys(settings: Settings) -> Iterator[Finding]:
    for name, file in load_markets().items():
        for rule in file.sources:
            missing = [key.upper() for key in source_module(rule.name).REQUIRED_KEYS if getattr(settings, key) is None]
            if not missing:
                continue
            level: Literal["ok", "fail"] = "fail" if settings.feed is Feed.LIVE else "ok"
            found = f"{' and '.join(missing)} not set" + ("" if level == "fail" else " (the simulated feed needs none)")
            yield Finding(level, f"keys of {rule.name} ({name})", found, "set them in .env; see .env.example")
    if settings.slack_webhook_url is None and settings.slack_bot_token is None and settings.smtp_host is None:
        yield Finding("warn", "alerts", "only the log", "set SLACK_WEBHOOK_URL or SMTP_HOST in .env to be told")


def _disk(settings: Settings) -> Finding:
    folder = settings.feed_folder
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / 1e9:.1f} GB free for {folder}"
    if free < LOW_DISK_BYTES:
        return Finding("fail", "disk", found, "make room, or set MARKET_PIPELINE_DATA to a larger disk")
    return Finding("ok", "disk", found)


def _ports(settings: Settings) -> Iterator[Finding]:
    for port, what, setting in (
        (settings.ui_port, "Dagster's UI", "MARKET_PIPELINE_UI_PORT"),
        (settings.code_port, "code server", "MARKET_PIPELINE_CODE_PORT"),
    ):
        with socket.socket() as probe:
            used = probe.connect_ex(("127.0.0.1", port)) == 0
        found = f"port {port} is in use" if used else f"port {port} is free"
        yield Finding("ok", what, found, f"if that is not ours, set {setting}" if used else "")


def _sources(settings: Settings) -> Iterator[Finding]:
    if settings.feed is Feed.SIMULATED:
        yield _reach("simulated exchange", f"{settings.simulator_url}/_clock", "start it: market-pipeline simulate")
        return
    for file in load_markets().values():
        yield from (_live_source(settings, file, rule.name) for rule in file.sources)


def _live_source(settings: Settings, file: MarketFile, name: str) -> Finding:
    remedy = "check the network, a firewall, and MARKET_PIPELINE_CA_BUNDLE for a broken certificate chain"
    return _reach(f"source {name} ({file.market})", source_module(name).HOME, remedy, settings=settings)


def _reach(what: str, url: str, remedy: str, *, settings: Settings | None = None) -> Finding:
    verify = str(settings.ca_bundle) if settings and settings.ca_bundle else True
    try:
        answer = requests.get(url, timeout=REACH_SECONDS, verify=verify, stream=True)
        answer.close()
    except requests.RequestException as error:
        return Finding("fail", what, f"{url} does not answer ({type(error).__name__})", remedy)
    return Finding("ok", what, f"{url} answers ({answer.status_code})")
