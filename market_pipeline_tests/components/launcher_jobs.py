"""Definitions that the launcher's tests run: one job that ends, one that waits, one that fails."""

import time
from pathlib import Path

import dagster as dg


@dg.op
def says_its_process(context: dg.OpExecutionContext) -> None:
    """Print, as the logs of a run must be kept wherever it runs."""
    print("hello from the run")  # noqa: T201
    context.log.info("a word to Dagster")


@dg.op
def waits(context: dg.OpExecutionContext) -> None:
    """Wait for longer than any test."""
    Path(context.run.tags["started"]).touch()
    time.sleep(300)


@dg.op
def fails() -> None:
    """Fail."""
    raise RuntimeError("as it should")


@dg.job(executor_def=dg.in_process_executor)
def quick() -> None:
    says_its_process()


@dg.job(executor_def=dg.in_process_executor)
def waiting() -> None:
    waits()


@dg.job(executor_def=dg.in_process_executor)
def failing() -> None:
    fails()


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(jobs=[quick, waiting, failing])
