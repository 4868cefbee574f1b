"""The house style that no linter knows: sizes, vocabulary, who may read what."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from market_pipeline_tests.conftest import PROJECT

PACKAGE = PROJECT / "market_pipeline"
MODULES = sorted(PACKAGE.rglob("*.py"))
WORDS_NOT_USED = re.compile(r"(^|_)(candle|candles|kline|klines|manager|helper|helpers|utils|common|misc|info)(_|$)")


def functions(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    total = (function.end_lineno or 0) - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        total -= (first.end_lineno or 0) - first.lineno + 1
    return total


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_functions_have_at_most_40_lines(module: Path) -> None:
    long = {f"{f.name} (line {f.lineno})": lines_without_docstring(f) for f in functions(module)}
    assert {name: lines for name, lines in long.items() if lines > 40} == {}


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_files_have_at_most_300_lines(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 300


def test_only_settings_reads_the_environment() -> None:
    readers = [m.name for m in MODULES if re.search(r"\bos\.(environ|getenv)\b", m.read_text())]
    assert set(readers) <= {"settings.py"}


def test_only_the_clock_reads_the_time_of_day() -> None:
    readers = [
        str(m.relative_to(PACKAGE))
        for m in MODULES
        if re.search(r"(datetime\.now\(|datetime\.utcnow\(|time\.time\(|date\.today\()", m.read_text())
    ]
    assert readers == ["clock.py"]


def test_names_keep_to_the_vocabulary() -> None:
    names = {m.stem for m in MODULES} | {m.parent.name for m in MODULES}
    names |= {f.name for m in MODULES for f in functions(m)}
    assert sorted(name for name in names if WORDS_NOT_USED.search(name)) == []


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return [PROJECT / line for line in listed.stdout.splitlines() if (PROJECT / line).is_file()]


def test_no_file_names_a_machine_path_or_a_package_index() -> None:
    pattern = re.compile(
        r"(?<![\w.])/(work|root|home)/[A-Za-z.]|index-url\s*[=:]\s*\S|files\.python" + r"hosted|pypi\.org/simple"
    )
    found = [
        f"{path.relative_to(PROJECT)}: {line.strip()[:80]}"
        for path in tracked_files()
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".lock", ".txt", ".cfg", ""}
        for line in path.read_text(errors="replace").splitlines()
        if pattern.search(line)
    ]
    assert found == []
