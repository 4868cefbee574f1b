"""What Celery's worker imports: the project, before it forks its pool, so that a run finds everything loaded."""

from __future__ import annotations

import importlib

from dagster_celery.app import app, execute_job

from market_pipeline.components.launcher.preload import LIBRARIES
from market_pipeline.definitions import defs

__all__ = ["app", "execute_job"]

for name in LIBRARIES:
    importlib.import_module(name)
defs().get_repository_def().load_all_definitions()
