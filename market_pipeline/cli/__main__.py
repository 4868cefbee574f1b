"""Lets `python -m market_pipeline.cli` stand for `market-pipeline`."""

from market_pipeline.cli.main import main

main()
