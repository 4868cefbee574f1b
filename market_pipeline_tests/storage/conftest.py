"""A warehouse in a temporary folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from market_pipeline.storage.warehouse import Warehouse
from market_pipeline_tests.storage.desk import open_warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse."""
    return open_warehouse(tmp_path)
