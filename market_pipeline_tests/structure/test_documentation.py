"""What is registered is documented, and what is documented exists."""

from __future__ import annotations

import re

import yaml

from market_pipeline.alerts.conditions import Key
from market_pipeline.markets.loader import load_markets
from market_pipeline.markets.schema import HealthRule
from market_pipeline.quality.freshness import TIME_COLUMN
from market_pipeline.settings import Settings
from market_pipeline_tests.conftest import PROJECT

README = PROJECT / "README.md"


def settings_by_variable() -> dict[str, str]:
    names = {}
    for field in Settings.model_fields.values():
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else str(alias.choices[0])  # type: ignore[union-attr]
        names[variable] = field.description or ""
    return names


def test_env_example_lists_every_setting_with_its_description_and_nothing_else() -> None:
    text = (PROJECT / ".env.example").read_text()
    listed = dict(re.findall(r"^# (.+)\n# ([A-Z_]+)=", text, flags=re.MULTILINE))
    assert {variable: description for description, variable in listed.items()} == settings_by_variable()


def test_every_source_module_is_used_by_a_market_file_and_the_other_way_round() -> None:
    used = {rule.name for file in load_markets().values() for rule in file.sources}
    modules = {
        path.stem
        for path in (PROJECT / "market_pipeline" / "sources").glob("*.py")
        if re.search(r"^def create\(", path.read_text(), flags=re.MULTILINE)
    }
    assert modules == used


def test_every_source_speaks_in_the_simulator_and_has_samples() -> None:
    used = {rule.name for file in load_markets().values() for rule in file.sources}
    wires = {path.stem for path in (PROJECT / "market_pipeline" / "simulator" / "wire").glob("*.py")}
    samples = {path.name for path in (PROJECT / "market_pipeline_tests" / "samples").iterdir() if path.is_dir()}
    assert used <= wires
    assert used == samples


def test_readme_names_every_command_of_the_command_line() -> None:
    verbs = {
        path.stem for path in (PROJECT / "market_pipeline" / "cli").glob("*.py") if "\ndef run(" in path.read_text()
    }
    text = README.read_text()
    assert sorted(verb for verb in verbs if f"market-pipeline {verb}" not in text) == []


def test_readme_names_every_make_target() -> None:
    targets = re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE)
    text = README.read_text()
    assert (
        sorted(target for target in targets if target not in {"help", "clean"} and f"make {target}" not in text) == []
    )


def test_the_lock_names_no_package_index() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    assert re.findall(r"^(?:-i|--index-url|--extra-index-url|--find-links)|https?://", lock, flags=re.MULTILINE) == []


def test_the_page_on_health_names_every_condition_every_judged_table_and_the_default_rule() -> None:
    text = (PROJECT / "docs" / "health.md").read_text()
    table = text[text.index("| key | begins | ends |") :].partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE) == [key.value for key in Key]
    assert [name for name in TIME_COLUMN if f"`{name}`" not in text] == []
    example = yaml.safe_load(text[text.index("```yaml") + 7 :].partition("```")[0])
    assert HealthRule.model_validate(example["health"]) == HealthRule()


def test_generated_pages_are_up_to_date() -> None:
    from docs.generate import pages

    stale = [path.name for path, text in pages().items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run: make docs"
