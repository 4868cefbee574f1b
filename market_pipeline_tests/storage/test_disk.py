"""A disk that refuses: nothing is half-written, and the error says what to do."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from market_pipeline.errors import StorageError
from market_pipeline.storage.files import publish, replacing, storage_error
from market_pipeline.storage.tables import BARS_1M
from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import bars, closes, minute, seen

LIMITED = """
import resource, sys
import pyarrow as pa
from pathlib import Path
from market_pipeline.errors import StorageError
from market_pipeline.storage.tables import BARS_1M
from market_pipeline_tests.storage.desk import DAY, bars, open_warehouse
warehouse = open_warehouse(Path(sys.argv[1]))
rows = pa.concat_tables([bars([f"S{n}"], [0, 1], close=n / 7) for n in range(1000)])
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    getattr(warehouse, sys.argv[2])("bars_1m", "casablanca", *([DAY] if sys.argv[2] == "write_session" else []), rows)
except StorageError as error:
    print(error)
"""


@pytest.mark.parametrize("write", ["write", "write_session"])
def test_a_disk_that_takes_no_more_leaves_what_was_there_and_no_temporary_file(
    warehouse: Warehouse, write: str
) -> None:
    warehouse.write(BARS_1M, "casablanca", bars(["ATW"], [0], close=1.0))
    command = [sys.executable, "-c", LIMITED, str(warehouse.layout.feed_folder), write]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "File too large; it is as it was before" in said
    assert "A retry helps only once this is mended: the file would pass the size limit of this process" in said
    assert closes(warehouse.read(BARS_1M, "casablanca")) == {("ATW", minute(0)): 1.0}
    assert seen(warehouse, "SELECT close FROM bars_1m") == [(1.0,)]
    assert list(warehouse.layout.root.rglob("*.tmp")) == []


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "the disk is full: make room or set MARKET_PIPELINE_DATA to a larger disk"),
        (errno.EROFS, "the disk is mounted read-only"),
        (errno.EACCES, "give the folder to the user that runs the pipeline"),
        (errno.EIO, "check the disk and what stands at that path"),
    ],
)
def test_the_error_says_what_to_do(number: int, remedy: str) -> None:
    assert remedy in str(storage_error(Path("x.parquet"), OSError(number, "refused")))


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "warehouse").write_text("a file where a folder is due")
    with pytest.raises(StorageError, match="it is as it was before"):
        publish({tmp_path / "warehouse" / "a.parquet": b"x"})


def test_of_several_files_none_appears_when_one_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder is due")
    with pytest.raises(StorageError):
        publish({tmp_path / "good": b"x", tmp_path / "blocked" / "bad": b"x"})
    assert [path.name for path in tmp_path.iterdir()] == ["blocked"]


def test_a_failure_while_a_file_is_made_keeps_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["a"]
