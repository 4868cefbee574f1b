"""`market-pipeline alert test|list`: try every channel; show what is on, what is silenced, and what waits."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from market_pipeline.cli.arguments import AsJson
from market_pipeline.cli.console import ExitCode, guarded, notes, out, print_json, print_table
from market_pipeline.cli.feed import feed_banner, feed_settings

if TYPE_CHECKING:
    from market_pipeline.alerts.life import AlertLife
    from market_pipeline.clock import Clock
    from market_pipeline.settings import Settings
    from market_pipeline.steps.try_channels import Trial


class Action(StrEnum):
    """What to do."""

    TEST = "test"
    LIST = "list"


@guarded
def run(
    action: Annotated[Action, typer.Argument(help="test: send through each channel; list: what is on now")],
    as_json: AsJson = False,
) -> None:
    """Send a test through every channel and say what became of it, or list the alerts that are on."""
    settings = feed_settings()
    from market_pipeline.steps.overview import open_to_look

    opened, _ = open_to_look(settings)
    if not as_json:
        out.print(feed_banner(opened))
    if action is Action.TEST:
        _test(settings, opened.clock, as_json=as_json)
    else:
        _list(settings, opened.clock, as_json=as_json)


def _test(settings: Settings, clock: Clock, *, as_json: bool) -> None:
    from market_pipeline.steps.try_channels import try_channels

    with notes.status("sending"):
        trials = try_channels(settings, clock)
    if as_json:
        print_json({"channels": {trial.channel: _state(trial) for trial in trials}})
    else:
        for trial in trials:
            out.print(f"{trial.channel}: {escape(_sentence(trial))}", soft_wrap=True)
    if any(trial.error for trial in trials):
        raise typer.Exit(ExitCode.UNREACHABLE)


def _state(trial: Trial) -> dict[str, Any]:
    return {"is_delivered": trial.error is None and trial.off is None, "error": trial.error, "off": trial.off}


def _sentence(trial: Trial) -> str:
    if trial.off:
        return f"off; {trial.off}"
    return f"failed: {trial.error}" if trial.error else "delivered"


def _list(settings: Settings, clock: Clock, *, as_json: bool) -> None:
    from market_pipeline.steps.tell import alert_life

    life = alert_life(settings, clock)
    if as_json:
        print_json(_document(life))
        return
    table = Table("market", "what", "severity", "since (UTC)", "told (UTC)", box=None, pad_edge=False)
    for alert in life.active():
        told = f"{alert.told:%Y-%m-%d %H:%M}" if alert.told else "nobody yet"
        severity = "critical" if alert.escalated else alert.severity.value
        table.add_row(alert.market, alert.title, severity, f"{alert.since:%Y-%m-%d %H:%M}", told)
    if table.row_count:
        print_table(table)
    else:
        out.print("no alert is on")
    for silence in life.silences():
        out.print(
            f"silence {silence.number}: {silence.market} until {silence.until:%Y-%m-%d %H:%M} UTC", soft_wrap=True
        )
    for status in life.status():
        if status.queued:
            said = escape(status.last_error or "not tried yet")
            out.print(f"[yellow]{status.channel}: {status.queued} messages wait[/]; {said}", soft_wrap=True)


def _document(life: AlertLife) -> dict[str, Any]:
    named = ("market", "key", "cause", "title", "since", "noticed", "told", "escalated", "evidence", "what_to_do")
    return {
        "alerts": [
            {name: getattr(alert, name) or None for name in named} | {"severity": alert.severity.value}
            for alert in life.active()
        ],
        "silences": [
            {"number": s.number, "market": s.market, "since": s.since, "until": s.until, "reason": s.reason}
            for s in life.silences()
        ],
        "channels": {
            status.channel: {
                "queued": status.queued,
                "oldest_queued": status.oldest_queued,
                "last_delivered": status.last_delivered,
                "last_error": status.last_error,
            }
            for status in life.status()
        },
    }
