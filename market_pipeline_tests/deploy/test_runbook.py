"""The runbook and the deployment page say what people need, and name what exists."""

from __future__ import annotations

import importlib.util
import re

from market_pipeline.alerts.conditions import Key
from market_pipeline.markets.schema import Retention
from market_pipeline_tests.conftest import PROJECT

RUNBOOK = (PROJECT / "docs" / "runbook.md").read_text()
DEPLOYMENT = (PROJECT / "docs" / "deployment.md").read_text()


def alert_keys() -> set[str]:
    keys = {key.value for key in Key}
    if importlib.util.find_spec("market_pipeline.alerts.platform"):
        platform = importlib.import_module("market_pipeline.alerts.platform")
        keys |= {key.value for key in platform.PlatformKey}
    return keys


def test_every_alert_has_a_section_with_something_in_it() -> None:
    sections = dict(re.findall(r"^### ([a-z_0-9]+)\n(.+?)(?=\n\n)", RUNBOOK, flags=re.MULTILINE | re.DOTALL))
    assert alert_keys() - set(sections) == set()
    assert [key for key, text in sections.items() if len(text) < 80] == []


def test_every_unit_that_is_named_exists() -> None:
    named = set(re.findall(r"market-pipeline-[a-z-]+[a-z]", RUNBOOK + DEPLOYMENT))
    units = {path.stem for path in (PROJECT / "deploy" / "systemd").glob("market-pipeline-*")}
    assert named - units == set()


def test_every_retention_rule_of_a_market_file_is_explained() -> None:
    assert [name for name in Retention.model_fields if f"`{name}`" not in DEPLOYMENT] == []


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", RUNBOOK + DEPLOYMENT)
    assert [link for link in links if not (PROJECT / "docs" / link).exists()] == []
