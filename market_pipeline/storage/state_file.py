"""Small JSON state files of the feed, replaced atomically."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from market_pipeline.storage.files import replacing


def read_state(path: Path) -> dict[str, Any]:
    """Return the document; empty when there is none yet or it cannot be read as JSON."""
    try:
        document = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def write_state(path: Path, document: Mapping[str, Any]) -> None:
    """Write the document under a temporary name and put it in place. Raises StorageError when the disk refuses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        Path(temporary).write_text(json.dumps(document))
