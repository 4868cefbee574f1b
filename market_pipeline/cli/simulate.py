"""`market-pipeline simulate`: run the simulated exchange."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from market_pipeline.cli.console import guarded, notes
from market_pipeline.errors import UsageError


@guarded
def run(
    port: Annotated[int, typer.Option(help="port on 127.0.0.1")] = 8765,
    seed: Annotated[int, typer.Option(help="another seed, other prices")] = 1,
    as_of: Annotated[str | None, typer.Option(help="ISO time that the exchange's clock starts at")] = None,
    speed: Annotated[float, typer.Option(help="1 real time, 0 frozen, 60 an hour a minute")] = 1.0,
    replay: Annotated[
        list[str] | None, typer.Option(metavar="MARKET=PATH", help="recorded minutes or days; may repeat")
    ] = None,
    faults: Annotated[Path | None, typer.Option(help="fault plan (YAML or JSON)")] = None,
    delays: Annotated[bool, typer.Option(help="show prices as late as the real sources do")] = False,
    limits: Annotated[bool, typer.Option(help="keep the sources' own rate limits")] = False,
) -> None:
    """Run the simulated exchange: every source's exact wire format on one port."""
    from market_pipeline.simulator.server import SimulatorOptions, serve

    options = SimulatorOptions(
        port=port,
        seed=seed,
        as_of=as_of,
        speed=speed,
        replay=dict(_pair(text) for text in replay or ()),
        faults=faults,
        delays=delays,
        limits=limits,
    )
    serve(options, when_ready=lambda url: notes.print(f"simulated exchange on {url} (Ctrl-C stops it)"))


def _pair(text: str) -> tuple[str, Path]:
    market, found, path = text.partition("=")
    if not found or not market or not path:
        raise UsageError(
            f"--replay {text!r}: write MARKET=PATH, like india=recordings/india.parquet; a retry does not help"
        )
    return market, Path(path)
