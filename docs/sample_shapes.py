"""From the recorded samples to the shapes that ship with the package, one file a source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from market_pipeline.sources.parsing.shape import Shape, shape_of, to_document, united

NO_ANSWER = ("error", "captcha", "challenge", "refused", "blocked")
"""What the name of a sample says when it is no answer: its shape is nothing to expect."""
NORMAL = "_normal"
PAYLOADS = (".json", ".html", ".csv", ".txt")


def shapes_text(folder: Path) -> str:
    """Return the file of one source's shapes, from the folder of its samples."""
    known = {channel: _channel(samples) for channel, samples in _channels(folder).items()}
    shapes = {channel: shape for channel, shape in known.items() if shape is not None and shape.fields}
    return json.dumps(to_document(shapes), indent=1, ensure_ascii=False) + "\n"


def _channels(folder: Path) -> dict[str, list[Path]]:
    """Group samples named channel_situation by channel: what comes before `_normal`, or the whole name."""
    payloads = [path for path in sorted(folder.iterdir()) if path.suffix in PAYLOADS]
    samples = [path for path in payloads if not any(word in path.stem for word in NO_ANSWER)]
    normal = [path.stem.removesuffix(NORMAL) for path in samples if path.stem.endswith(NORMAL)]
    grouped: dict[str, list[Path]] = {}
    for path in samples:
        matching = [channel for channel in normal if path.stem.startswith(f"{channel}_")]
        grouped.setdefault(max(matching, key=len, default=path.stem), []).append(path)
    return grouped


def _channel(samples: Sequence[Path]) -> Shape | None:
    found = {path: shape for path in samples if (shape := shape_of(path.read_bytes())) is not None}
    normal = [shape for path, shape in found.items() if path.stem.endswith(NORMAL)] or list(found.values())
    alike = [shape for shape in found.values() if shape.format == normal[0].format] if normal else []
    return united(alike, always=normal) if alike else None
