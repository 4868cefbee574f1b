"""Logs: one line an event, a file a day, tracebacks only there, secrets nowhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr

from market_pipeline.errors import ConfigurationError
from market_pipeline.logs import DailyFile, configure_logging, retain_logs
from market_pipeline.settings import Settings


@pytest.fixture(autouse=True)
def _closed_afterwards() -> Iterator[None]:
    yield
    root = logging.getLogger("market_pipeline")
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.propagate = True
    structlog.reset_defaults()


def configured(folder: Path, **settings: object) -> Path:
    """Configure logging for a feed in `folder` and return its logs folder."""
    made = Settings(data=folder, _env_file=None, **settings)
    configure_logging(made)
    return made.feed_folder / "logs"


def written(logs: Path) -> str:
    [file] = logs.glob("market_pipeline_*.log")
    return file.read_text()


def test_an_event_is_one_line_of_keys_and_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs = configured(tmp_path)
    structlog.get_logger("market_pipeline.bars").info("bars_built", market="india", rows=20)
    assert written(logs).endswith("level=info event=bars_built logger=market_pipeline.bars market=india rows=20\n")
    assert capsys.readouterr() == ("", "")


def test_what_is_below_the_set_level_is_not_written(tmp_path: Path) -> None:
    logs = configured(tmp_path, log_level="WARNING")
    structlog.get_logger("market_pipeline.bars").info("bars_built")
    structlog.get_logger("market_pipeline.bars").warning("source_missed_deadline")
    assert "bars_built" not in written(logs)
    assert "source_missed_deadline" in written(logs)


def test_an_error_is_told_on_the_screen_but_its_traceback_only_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = configured(tmp_path)
    try:
        raise KeyError("price")
    except KeyError:
        structlog.get_logger("market_pipeline.quotes").exception("source_failed", source="kraken")
    screen = capsys.readouterr().err
    assert "event=source_failed" in screen
    assert "Traceback" not in screen
    assert "Traceback" in written(logs)


def test_no_secret_reaches_a_log(tmp_path: Path) -> None:
    hook = "https://hooks.example/services/T0/B0/4712"
    logs = configured(tmp_path, dhan_api_token=SecretStr("token-4711"), slack_webhook_url=SecretStr(hook))
    log = structlog.get_logger("market_pipeline.alerts")
    log.warning("not_sent", url=hook, reason="Max retries exceeded with url: /services/T0/B0/4712", seen="token-4711")
    text = written(logs)
    assert [secret for secret in (hook, "/services/T0/B0/4712", "token-4711") if secret in text] == []
    assert text.count("(secret)") == 3


def test_a_databases_name_is_no_secret_that_would_garble_paths(tmp_path: Path) -> None:
    dsn = "postgresql+psycopg2://dagster:hush@127.0.0.1:5432/dagster"
    logs = configured(tmp_path, dagster_dsn=SecretStr(dsn))
    structlog.get_logger("market_pipeline.cli").warning("opened", home="/var/lib/live/dagster/history", storage=dsn)
    text = written(logs)
    assert "home=/var/lib/live/dagster/history" in text
    assert "hush" not in text


def test_each_record_goes_to_the_file_of_its_day_in_utc(tmp_path: Path) -> None:
    handler = DailyFile(tmp_path, keep_days=30)
    for moment in (datetime(2026, 11, 19, 23, 59, tzinfo=UTC), datetime(2026, 11, 20, 0, 1, tzinfo=UTC)):
        record = logging.makeLogRecord({"msg": f"at {moment:%H:%M}"})
        record.created = moment.timestamp()
        handler.emit(record)
    handler.close()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "market_pipeline_20261119.log": "at 23:59\n",
        "market_pipeline_20261120.log": "at 00:01\n",
    }


def test_only_thirty_days_are_kept(tmp_path: Path) -> None:
    for day in range(1, 32):
        (tmp_path / f"market_pipeline_202610{day:02}.log").write_text("old\n")
    handler = DailyFile(tmp_path, keep_days=30)
    handler.emit(logging.makeLogRecord({"msg": "new"}))
    handler.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert (len(names), names[0]) == (30, "market_pipeline_20261003.log")


def test_a_folder_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="MARKET_PIPELINE_DATA must name a folder that this user may write to"):
        configured(tmp_path / "file")


def test_files_of_processes_that_nobody_writes_to_any_more_go_too(tmp_path: Path) -> None:
    for name, age_days in {"daemon.log": 1, "daemon.log.1": 31, "notes.txt": 400}.items():
        path = tmp_path / name
        path.touch()
        written = datetime(2026, 11, 20, tzinfo=UTC).timestamp() - age_days * 86_400
        os.utime(path, (written, written))
    assert retain_logs(tmp_path, datetime(2026, 10, 21, tzinfo=UTC)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["daemon.log", "notes.txt"]
