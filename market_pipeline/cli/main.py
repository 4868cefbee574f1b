"""Entry point of `market-pipeline`: registers one module per verb."""

from __future__ import annotations

import typer

from market_pipeline.cli import backfill, cycle, doctor, export, indicators, simulate, status, up, views

app = typer.Typer(
    name="market-pipeline",
    help="One trustworthy live picture of many markets, minute by minute.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (up, simulate, cycle, backfill, status, doctor, views, indicators, export):
    app.command(name=verb.__name__.rsplit(".", 1)[-1])(verb.run)


def main() -> None:
    """Run the command line."""
    app()
