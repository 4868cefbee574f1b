"""`market-pipeline backup` and `restore`: what is put back is what was there."""

from __future__ import annotations

import gzip
import json
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from market_pipeline.clock import HandClock
from market_pipeline.steps.warehouse_tables import all_tables
from market_pipeline.storage.tables import BARS_1D, BARS_1M, INSTRUMENTS, LIVE_TICKERS
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.cli.conftest import Command
from market_pipeline_tests.conftest import PROJECT
from market_pipeline_tests.storage.desk import DAY, EARLIER, NOON, bars, rows_of, tickers


def open_feed(folder: Path) -> Warehouse:
    return Warehouse(folder / "simulated", all_tables(), clock=HandClock(NOON))


def every_row(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    """Table → its rows in one order."""
    with warehouse.connect() as connection:
        return {
            table.name: connection.execute(f'SELECT * FROM "{table.name}" ORDER BY ALL').fetchall()  # noqa: S608
            for table in warehouse.tables
        }


@pytest.fixture
def filled(folder: Path) -> Warehouse:
    """Two tiers of bars, newest rows, small tables, the alerts' file, a payload."""
    warehouse = open_feed(folder / "data")
    warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], [0, 1, 2], day=EARLIER))
    warehouse.close_session("casablanca", EARLIER)
    warehouse.write(BARS_1M, "casablanca", bars(["ATW", "IAM"], [0, 1], close=7.5))
    warehouse.write(LIVE_TICKERS, "casablanca", tickers(["ATW"], price=7.5, known_at=NOON))
    where = {"market": "india", "symbol": "TCS", "known_at": NOON}
    warehouse.write(INSTRUMENTS, "india", rows_of(INSTRUMENTS, [where]))
    daily = where | {"source": "dhan", "session_date": DAY, "close": 3.0}
    warehouse.write(BARS_1D, "india", rows_of(BARS_1D, [daily]))
    feed = warehouse.layout.feed_folder
    (feed / "payloads" / "2026-11-20").mkdir(parents=True)
    (feed / "payloads" / "2026-11-20" / "a.pack").write_bytes(b"payload")
    with closing(sqlite3.connect(feed / "alerts.sqlite")) as ledger, ledger:
        ledger.execute("CREATE TABLE active (market TEXT)")
        ledger.execute("INSERT INTO active VALUES ('india')")
    return warehouse


def test_a_restore_on_an_empty_folder_gives_equal_tables(command: Command, filled: Warehouse, folder: Path) -> None:
    made = command("backup", "-o", "copy.tar.zst", "--json")
    done = command("restore", "copy.tar.zst", "--into", "elsewhere", "--json")
    assert (made.exit_code, done.exit_code) == (0, 0)
    rows = every_row(open_feed(folder / "elsewhere"))
    assert rows == every_row(filled)
    assert {name: len(found) for name, found in rows.items() if found} == {
        "bars_1m": 10,
        "live_tickers": 1,
        "instruments": 1,
        "bars_1d": 1,
    }
    assert json.loads(done.stdout)["rows"] == {"bars_1m": 10, "live_tickers": 1, "instruments": 1, "bars_1d": 1}


def test_what_people_open_and_what_the_alerts_remember_is_there_too(
    command: Command, filled: Warehouse, folder: Path
) -> None:
    command("backup", "-o", "copy.tar.gz")
    command("restore", "copy.tar.gz", "--into", "elsewhere")
    feed = folder / "elsewhere" / "simulated"
    with duckdb.connect(str(feed / "market.duckdb"), read_only=True) as people:
        assert people.sql("SELECT count(*) FROM bars_1m").fetchall() == [(10,)]
    with closing(sqlite3.connect(feed / "alerts.sqlite")) as ledger:
        assert ledger.execute("SELECT * FROM active").fetchall() == [("india",)]
    assert (feed / "payloads" / "2026-11-20" / "a.pack").read_bytes() == b"payload"
    assert (feed / "restored_config" / "defs" / "india" / "defs.yaml").is_file()
    assert (feed / "restored_config" / "dagster.yaml").is_file()


def test_payloads_may_be_left_out(command: Command, filled: Warehouse, folder: Path) -> None:
    command("backup", "-o", "copy.tar.gz", "--without", "payloads")
    command("restore", "copy.tar.gz", "--into", "elsewhere")
    assert not (folder / "elsewhere" / "simulated" / "payloads").exists()


def test_secrets_of_the_environment_file_stay_at_home(command: Command, filled: Warehouse, folder: Path) -> None:
    lines = ["DHAN_API_TOKEN=topsecret", "SMTP_PORT=25", "UNKNOWN_KEY=hush", "# SLACK_BOT_TOKEN=xoxb-1"]
    (folder / ".env").write_text("\n".join(lines))
    command("backup", "-o", "copy.tar.gz")
    command("restore", "copy.tar.gz", "--into", "elsewhere")
    kept = (folder / "elsewhere" / "simulated" / "restored_config" / "env").read_text()
    assert kept.splitlines()[1:] == ["SMTP_PORT=25"]


def test_secrets_come_along_when_they_are_asked_for(command: Command, filled: Warehouse, folder: Path) -> None:
    (folder / ".env").write_text("DHAN_API_TOKEN=topsecret\n")
    command("backup", "-o", "copy.tar.gz", "--with-secrets")
    command("restore", "copy.tar.gz", "--into", "elsewhere")
    kept = (folder / "elsewhere" / "simulated" / "restored_config" / "env").read_text()
    assert kept == "DHAN_API_TOKEN=topsecret\n"


def test_a_folder_with_data_is_left_alone_unless_forced(command: Command, filled: Warehouse, folder: Path) -> None:
    command("backup", "-o", "copy.tar.zst")
    refused = command("restore", "copy.tar.zst")
    assert refused.exit_code == 2
    assert "it holds data; a retry does not help; name another folder with --into, or add --force" in refused.stderr
    filled.write(BARS_1M, "casablanca", bars(["ATW"], [9]))
    done = command("restore", "copy.tar.zst", "--force", "--json")
    moved = Path(json.loads(done.stdout)["moved_to"])
    assert len(open_feed(folder / "data").query("SELECT * FROM bars_1m")) == 10
    assert (moved / "warehouse").is_dir()
    assert moved.parent == folder / "data"


@pytest.mark.parametrize(("ending", "share"), [("tar.zst", 0.5), ("tar.gz", 0.99)])
def test_a_truncated_archive_is_refused_and_nothing_is_put_in_place(
    command: Command, filled: Warehouse, folder: Path, ending: str, share: float
) -> None:
    archive = folder / f"copy.{ending}"
    command("backup", "-o", str(archive))
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    done = command("restore", str(archive), "--into", "elsewhere")
    assert done.exit_code == 2
    assert "found it damaged" in done.stderr
    assert "copy the file again from where it was kept, or take an older backup" in done.stderr
    assert not (folder / "elsewhere").exists() or list((folder / "elsewhere").iterdir()) == []


def test_a_changed_byte_is_found_by_its_checksum_though_the_archive_is_whole(
    command: Command, filled: Warehouse, folder: Path
) -> None:
    archive = folder / "copy.tar.gz"
    command("backup", "-o", str(archive))
    archive.write_bytes(gzip.compress(gzip.decompress(archive.read_bytes()).replace(b"payload\0", b"paYload\0")))
    done = command("restore", str(archive), "--into", "elsewhere")
    assert done.exit_code == 2
    assert "1 files differ from their checksums, feed/payloads/2026-11-20/a.pack among them" in done.stderr
    assert list((folder / "elsewhere").iterdir()) == []


def test_a_file_that_is_no_backup_is_wrong_use(command: Command, folder: Path) -> None:
    (folder / "letter.txt").write_text("Dear all")
    done = command("restore", "letter.txt")
    assert done.exit_code == 2
    assert "letter.txt is neither .tar.zst nor .tar.gz" in done.stderr


def test_a_name_with_another_ending_is_refused_before_any_work(command: Command, filled: Warehouse) -> None:
    done = command("backup", "-o", "copy.zip")
    assert done.exit_code == 2
    assert "its name must end in .tar.zst or .tar.gz" in done.stderr


def test_an_empty_feed_has_nothing_to_back_up(command: Command, folder: Path) -> None:
    done = command("backup", "-o", "copy.tar.zst")
    assert done.exit_code == 2
    assert "there is no folder `warehouse` in it; a retry helps once something was stored" in done.stderr
    assert not (folder / "copy.tar.zst").exists()


def test_a_backup_while_a_writer_works_holds_every_acknowledged_row_and_no_torn_minute(
    command: Command, filled: Warehouse, folder: Path
) -> None:
    feed = folder / "data" / "simulated"
    words = [sys.executable, "-m", "market_pipeline_tests.storage.killed_writer", str(feed), "1000", "7"]
    newest: dict[str, int] = {}
    with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for line, _ in zip(writer.stdout, range(15), strict=False):  # past the first close of a session
            day, number, generation = line.split()
            newest[f"{day} {number}"] = int(generation)
        made = command("backup", "-o", "copy.tar.zst")
        writer.kill()
    assert made.exit_code == 0
    assert command("restore", "copy.tar.zst", "--into", "elsewhere").exit_code == 0
    sql = "SELECT session_date, interval_start, min(close), max(close), count(*) FROM bars_1m"
    rows = open_feed(folder / "elsewhere").query(f"{sql} WHERE symbol LIKE 'S%' GROUP BY ALL").to_pylist()
    found = {f"{row['session_date']} {row['interval_start'].minute - 30}": tuple(row.values())[2:] for row in rows}
    assert {(low == high, count) for low, high, count in found.values()} == {(True, 40)}
    assert {key: found[key][0] >= generation for key, generation in newest.items()} == dict.fromkeys(newest, True)


LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
sys.argv = ["market-pipeline", *sys.argv[1:]]
from market_pipeline.cli.main import main
main()
"""


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_a_disk_that_takes_no_more_leaves_nothing_and_says_so(
    command: Command, filled: Warehouse, folder: Path, verb: str
) -> None:
    pack = filled.layout.feed_folder / "payloads" / "2026-11-20" / "a.pack"
    pack.write_bytes(random.Random(1).randbytes(200_000))
    command("backup", "-o", "copy.tar.zst")
    words = {"backup": ["-o", str(folder / "full.tar.zst")], "restore": [str(folder / "copy.tar.zst"), "--into", "new"]}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, verb, *words[verb]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "the file would pass the size limit of this process: raise it (ulimit -f)" in done.stderr
    assert not (folder / "full.tar.zst").exists()
    assert not (folder / "new" / "simulated").exists()


def test_what_killed_backups_left_goes_after_a_day(filled: Warehouse) -> None:
    from market_pipeline.clock import SystemClock
    from market_pipeline.storage.staging import sweep_staging

    feed = filled.layout.feed_folder
    (feed / "staging" / "abandoned" / "warehouse").mkdir(parents=True)
    now = SystemClock().now()
    assert sweep_staging(feed, now) == 0
    assert sweep_staging(feed, now + timedelta(days=2)) == 1
    assert list((feed / "staging").iterdir()) == []
