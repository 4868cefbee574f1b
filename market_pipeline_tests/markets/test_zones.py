"""The zone guard: the machine's zone files never count, and an old table is refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from market_pipeline.errors import ConfigurationError
from market_pipeline.markets.zones import zone, zone_table_version
from market_pipeline_tests.conftest import PROJECT

SHOW_OFFSETS = """
from datetime import datetime
from zoneinfo import ZoneInfo
def offset(): return datetime(2026, 11, 20, 12, tzinfo=ZoneInfo("Africa/Casablanca")).isoformat()[-6:]
print(offset())
from market_pipeline.markets.zones import check_zone_table
check_zone_table()
print(offset())
"""


def old_zones(folder: Path) -> Path:
    """Write a zone folder in which Casablanca is still at +01:00, as all tables before 2026c say."""
    always_plus_one = resources.files("tzdata").joinpath("zoneinfo", "Africa", "Lagos")
    target = folder / "Africa" / "Casablanca"
    target.parent.mkdir(parents=True)
    with resources.as_file(always_plus_one) as path:
        shutil.copyfile(path, target)
    return folder


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_old_zone_files_of_the_machine_do_not_count(tmp_path: Path) -> None:
    done = run(SHOW_OFFSETS, PYTHONTZPATH=str(old_zones(tmp_path)), PYTHONPATH=str(PROJECT))
    assert done.stdout.split() == ["+01:00", "+00:00"], done.stderr


def test_an_old_zone_package_is_refused_with_what_to_do(tmp_path: Path) -> None:
    old_zones(tmp_path / "tzdata" / "zoneinfo")
    for package in ("tzdata", "tzdata/zoneinfo", "tzdata/zoneinfo/Africa"):
        (tmp_path / package / "__init__.py").write_text("IANA_VERSION = '2025b'\n")
    done = run(SHOW_OFFSETS, PYTHONTZPATH="", PYTHONPATH=f"{tmp_path}{os.pathsep}{PROJECT}")
    assert done.returncode == 1
    assert "ZoneTableError: checked Africa/Casablanca at 2026-11-20T12:00:00: the zone table (IANA 2025b" in done.stderr
    assert "says +01:00, it must say +00:00 since 2026-09-20" in done.stderr
    assert "install tzdata>=2026.3" in done.stderr


def test_the_version_of_the_table_is_told() -> None:
    assert re.fullmatch(r"IANA 20\d\d[a-z] \(tzdata 20\d\d\.\d+\)", zone_table_version())


def test_an_unknown_zone_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="looked up time zone 'Africa/Casa': IANA knows no such zone"):
        zone("Africa/Casa")
