"""Fixtures that many tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of recorded real data beside the repository."""
    folder = PROJECT.parent / "shared" / "realdata"
    if not folder.is_dir():
        pytest.skip("recorded real data is not beside the repository (../shared/realdata)")
    return folder


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of recorded payloads, one folder per source."""
    return Path(__file__).resolve().parent / "samples"
