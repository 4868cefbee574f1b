"""The examination behind `doctor`: each finding with its remedy. Nothing here raises; what fails is a finding."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Literal

import requests

from market_pipeline.alerts.platform_conditions import LOW_DISK_BYTES
from market_pipeline.clock import SystemClock
from market_pipeline.errors import MarketPipelineError, SinkUnreachable
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.schema import MarketFile, SeedRule
from market_pipeline.markets.trading_calendar import calendar_for
from market_pipeline.markets.zones import check_zone_table, zone_table_version
from market_pipeline.settings import Feed, Settings
from market_pipeline.sources.source import source_module
from market_pipeline.storage.tables import LIVE_TICKERS

REACH_SECONDS = 5
START_SIMULATOR = "start it with `market-pipeline simulate`, or everything with `make run`"
CHECK_NETWORK = "check the network, a firewall, and MARKET_PIPELINE_CA_BUNDLE for a broken certificate chain"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `warn` is worth a look; `fail` and `unreachable` need the remedy."""

    level: Literal["ok", "warn", "fail", "unreachable"]
    what: str
    found: str
    remedy: str = ""


def examine(settings: Settings) -> list[Finding]:
    """Return one finding for everything that the pipeline relies on."""
    findings = [_feed(settings), _zones()]
    try:
        files = load_markets()
    except MarketPipelineError as error:
        files = {}
        findings.append(Finding("fail", "market files", str(error), "correct the file; `dg check defs` checks it too"))
    return [
        *findings,
        *_calendars(files),
        *_seeds(files),
        *_keys(settings, files),
        *_alerts(settings),
        *_postgres(settings),
        _disk(settings),
        *_ports(settings),
        *_reached(settings, files),
    ]


def _feed(settings: Settings) -> Finding:
    kind = "made-up prices" if settings.feed is Feed.SIMULATED else "real sources"
    return Finding("ok", "feed", f"{settings.feed.value} ({kind}), in {settings.feed_folder}")


def _zones() -> Finding:
    try:
        check_zone_table()
    except MarketPipelineError as error:
        return Finding("fail", "time zones", str(error), "install the pinned tzdata: make setup")
    return Finding("ok", "time zones", f"{zone_table_version()}, Morocco at UTC+0")


def _calendars(files: Mapping[str, MarketFile]) -> Iterator[Finding]:
    today = SystemClock().now().date()
    for name, file in files.items():
        what = f"calendar of {name}"
        try:
            calendar = calendar_for(file)
            warning, last = calendar.warning(today), calendar.last_published_day()
        except MarketPipelineError as error:
            yield Finding("fail", what, str(error), f"correct `calendar` in defs/{name}/defs.yaml")
            continue
        if warning:
            found, _, remedy = warning.partition("; ")
            yield Finding("warn", what, found, remedy)
        else:
            yield Finding("ok", what, "never ends" if last == date.max else f"published until {last}")


def _seeds(files: Mapping[str, MarketFile]) -> Iterator[Finding]:
    """Yield how many of the symbols that were asked for stand as they are, then each one that does not."""
    for name, file in files.items():
        if not file.seeds:
            continue
        changed = [seed for seed in file.seeds if seed.resolution != "same"]
        unresolved = sum(1 for seed in changed if seed.symbol is None)
        counted = f"{len(file.seeds) - len(changed)} right as they are, {len(changed) - unresolved} resolved"
        yield Finding("ok", f"seeds of {name}", f"{len(file.seeds)} asked for: {counted}, {unresolved} unresolved")
        yield from (_seed(name, seed) for seed in changed)


def _seed(market: str, seed: SeedRule) -> Finding:
    what = f"seed {seed.code} ({market})"
    if seed.symbol is None:
        remedy = f"if a listed share was meant, add it to `symbols` in defs/{market}/defs.yaml and name it here"
        return Finding("warn", what, f"{seed.seed_name}: unresolved; {seed.reason}", remedy)
    symbols = seed.symbol if seed.added_symbol is None else f"{seed.symbol}, and {seed.added_symbol} added"
    since = "" if seed.valid_from is None else f" since {seed.valid_from}"
    return Finding("ok", what, f"{seed.seed_name} → {symbols} ({seed.resolution}{since}); {seed.reason}")


def _keys(settings: Settings, files: Mapping[str, MarketFile]) -> Iterator[Finding]:
    for name, file in files.items():
        for rule in file.sources:
            required = source_module(rule.name).REQUIRED_KEYS
            missing = " and ".join(key.upper() for key in required if getattr(settings, key) is None)
            what = f"keys of {rule.name} ({name})"
            if missing and settings.feed is Feed.LIVE:
                yield Finding("warn", what, f"{missing} not set: this source is off", "set them in .env")
            elif missing:
                yield Finding("ok", what, f"{missing} not set; the simulated feed needs none")


def _alerts(settings: Settings) -> Iterator[Finding]:
    slack = settings.slack_webhook_url is not None or settings.slack_bot_token is not None
    mail = settings.smtp_host is not None and settings.email_recipients
    if settings.smtp_host is not None and not mail:
        yield Finding("warn", "alerts by mail", "SMTP_HOST is set, but nobody is named", "set ALERT_EMAIL_RECIPIENTS")
    if slack or mail:
        yield Finding("ok", "alerts", " and ".join([*(["Slack"] if slack else []), *(["mail"] if mail else [])]))
    else:
        yield Finding("warn", "alerts", "only in the log", "set SLACK_WEBHOOK_URL or SMTP_HOST in .env to be told")


def _postgres(settings: Settings) -> Iterator[Finding]:
    """Yield whether live tickers can be published, where somebody asked for it."""
    if settings.postgres_dsn is None:
        return
    from market_pipeline.sinks.postgres import open_sink
    from market_pipeline.sinks.postgres_dsn import target_of

    what = "PostgreSQL"
    try:
        target = target_of(settings.postgres_dsn)
        with open_sink(target, LIVE_TICKERS.schema, feed=settings.feed.value) as sink:
            standing = sink.standing()
    except SinkUnreachable as error:
        yield Finding("unreachable", what, str(error), "start the server, or correct MARKET_PIPELINE_POSTGRES_DSN")
    except MarketPipelineError as error:
        yield Finding("fail", what, str(error), "see docs/postgres.md")
    else:
        if standing.is_prepared:
            newest = max(standing.newest.values(), default=None)
            found = f"newest row {newest:%Y-%m-%d %H:%M} UTC" if newest else "no rows yet"
            yield Finding("ok", what, f"live_tickers in {target.name}: {found}")
        else:
            remedy = "the next publication makes it, if the role may; else run the SQL of docs/postgres.md"
            yield Finding("warn", what, f"live_tickers in {target.name} is not there, or lacks columns", remedy)


def _disk(settings: Settings) -> Finding:
    folder = settings.feed_folder
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        return Finding(
            "fail", "disk", f"{existing} is no folder to write to", "set MARKET_PIPELINE_DATA to one that is"
        )
    free = shutil.disk_usage(existing).free
    found = f"{free / 1e9:.1f} GB free in {existing}"
    if free < LOW_DISK_BYTES:
        return Finding("fail", "disk", found, "make room, or set MARKET_PIPELINE_DATA to a larger disk")
    return Finding("ok", "disk", found)


def _ports(settings: Settings) -> Iterator[Finding]:
    for port, what, setting in (
        (settings.ui_port, "port of Dagster's UI", "MARKET_PIPELINE_UI_PORT"),
        (settings.code_port, "port of the code server", "MARKET_PIPELINE_CODE_PORT"),
    ):
        with socket.socket() as probe:
            used = probe.connect_ex(("127.0.0.1", port)) == 0
        remedy = f"if `make run` is not what uses it, set {setting} to another"
        yield Finding("ok", what, f"{port} is {'in use' if used else 'free'}", remedy if used else "")


def _reached(settings: Settings, files: Mapping[str, MarketFile]) -> list[Finding]:
    if settings.feed is Feed.SIMULATED:
        return [_reach(settings, "simulated exchange", f"{settings.simulator_url}/_clock", remedy=START_SIMULATOR)]
    named = dict.fromkeys(rule.name for file in files.values() for rule in file.sources)  # markets share sources
    return reached_sources(settings, list(named))


def reached_sources(settings: Settings, sources: Sequence[str]) -> list[Finding]:
    """Ask live sources for their home pages, all at the same time; return one finding for each, within seconds."""
    asked = [(f"source {name}", source_module(name).HOME) for name in sources]
    with ThreadPoolExecutor(max(len(asked), 1)) as pool:
        return list(pool.map(lambda ask: _reach(settings, *ask, remedy=CHECK_NETWORK), asked))


def _reach(settings: Settings, what: str, url: str, *, remedy: str) -> Finding:
    try:
        verify = str(settings.ca_bundle) if settings.ca_bundle else True
        answer = requests.get(url, timeout=REACH_SECONDS, verify=verify, stream=True)
        answer.close()
    except OSError as error:  # the library's own errors are OSErrors, and so is a CA bundle that cannot be read
        return Finding("unreachable", what, f"{url} does not answer ({type(error).__name__})", remedy)
    return Finding("ok", what, f"{url} answers ({answer.status_code})")
