"""Dagster's home inside the feed's folder, holding a link to the project's dagster.yaml."""

from __future__ import annotations

from pathlib import Path

from market_pipeline.settings import Settings


def make_dagster_home(settings: Settings, project: Path) -> Path:
    """Return <feed>/dagster, made if missing, with a link to `project`/dagster.yaml."""
    home = settings.feed_folder / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    link, target = home / "dagster.yaml", project / "dagster.yaml"
    if not link.is_symlink() or link.resolve() != target.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    return home
