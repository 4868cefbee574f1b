"""The systemd units, the container file and the compose file: what they start exists, and nothing secret is in them."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from itertools import takewhile
from pathlib import Path

import pytest
import yaml

from market_pipeline.cli.processes import DEFINITIONS
from market_pipeline.settings import Settings
from market_pipeline_tests.conftest import PROJECT
from market_pipeline_tests.structure.test_documentation import settings_by_variable

DEPLOY = PROJECT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
LASTING = [path for path in UNITS if "Type=exec" in path.read_text()]
BIN = PROJECT / ".venv" / "bin"
PLACE = "/opt/market_pipeline"


def section(path: Path, name: str = "Service") -> configparser.SectionProxy:
    parsed = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(path.read_text())
    return parsed[name]


def words_of(path: Path) -> list[str]:
    """The words of ExecStart with the variables of environment.example and the unit, and this project's place."""
    values = dict(re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / "environment.example").read_text(), flags=re.MULTILINE))
    values |= dict(re.findall(r"^Environment=([A-Z_]+)=(.*)$", path.read_text(), flags=re.MULTILINE))
    line = re.sub(r"\$\{([A-Z_]+)\}", lambda found: values[found[1]], section(path)["ExecStart"])
    return [word.replace(PLACE, str(PROJECT)) for word in shlex.split(line)]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_what_a_unit_starts_exists_and_knows_the_words(path: Path) -> None:
    program, *words = words_of(path)
    assert Path(program).is_file()
    if Path(program).name == "python":
        assert words[0] == "-m"
        assert (PROJECT / f"{words[1].replace('.', '/')}.py").is_file()
        return
    verbs = list(takewhile(re.compile("[a-z][a-z-]*").fullmatch, words))
    if verbs == ["watchdog"] and not (PROJECT / "market_pipeline" / "cli" / "watchdog.py").exists():
        pytest.skip("this checkout has no watchdog yet")
    done = subprocess.run([program, *verbs, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shown = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert [word for word in words if word.startswith("--") and word not in shown] == []


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_can_do_little_harm(path: Path) -> None:
    rules = section(path)
    wanted = {"User": "market_pipeline", "ProtectSystem": "strict", "NoNewPrivileges": "yes", "ProtectHome": "yes"}
    assert {name: rules[name] for name in wanted} == wanted
    assert "/var/lib/market_pipeline" in rules["ReadWritePaths"]
    assert rules["MemoryMax"]


@pytest.mark.parametrize("path", LASTING, ids=lambda path: path.stem)
def test_a_part_that_crashes_is_started_again_ever_more_slowly(path: Path) -> None:
    rules = section(path)
    assert (rules["Restart"], rules["RestartSec"], rules["RestartMaxDelaySec"]) == ("on-failure", "5", "60")
    assert section(path, "Unit")["StartLimitIntervalSec"] == "0"


def test_the_target_wants_every_lasting_part() -> None:
    wanted = section(DEPLOY / "systemd" / "market-pipeline.target", "Unit")["Wants"].split()
    assert sorted(wanted) == sorted(path.name for path in LASTING)


def test_units_and_containers_start_the_code_that_up_starts() -> None:
    for name in ("systemd/market-pipeline-code-server.service", "systemd/market-pipeline-launcher.service"):
        assert DEFINITIONS in (DEPLOY / name).read_text()
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert DEFINITIONS in compose["code_server"]["command"]
    assert DEFINITIONS in compose["launcher"]["command"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    for path in (DEPLOY / "systemd").glob("market-pipeline*"):
        (tmp_path / path.name).write_text(path.read_text().replace(PLACE, str(PROJECT)))
    names = sorted(str(path) for path in tmp_path.iterdir())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *names], capture_output=True, text=True, check=False
    )
    newer = re.compile("Unknown key '(RestartSteps|RestartMaxDelaySec)'")  # before systemd 254
    ours = [line for line in done.stderr.splitlines() if "market-pipeline" in line and not newer.search(line)]
    assert (ours, done.returncode) == ([], 0)


def test_environment_files_name_only_settings_and_hold_no_secret() -> None:
    known = {*settings_by_variable(), "PYTHONTZPATH", "DAGSTER_DISABLE_TELEMETRY", "HOME", "XDG_CACHE_HOME"}
    known |= {"MPLCONFIGDIR", "NUMBA_CACHE_DIR"}
    for name in ("environment.example", "secrets.example"):
        pairs = re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / name).read_text(), flags=re.MULTILINE)
        assert {variable for variable, _ in pairs} <= known
        if name.startswith("secrets"):
            assert [value for _, value in pairs if value] == []


def test_the_image_is_given_no_secret_and_no_root() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    secret = [name for name in settings_by_variable() if re.search("TOKEN|PASSWORD|WEBHOOK|DSN|PROXIES", name)]
    assert [name for name in secret if name in text] == []
    assert text.index("USER market_pipeline") < text.index("\nCMD")
    assert "COPY . " not in text


def test_every_part_of_the_compose_file_is_a_unit_and_the_other_way_round() -> None:
    parts = set(yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]) - {"postgres"}
    units = {path.stem.removeprefix("market-pipeline-").replace("-", "_") for path in UNITS}
    assert parts == units - {"backup"}


def test_what_the_container_file_copies_exists() -> None:
    lines = re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    copied = [word for line in lines for word in line.split()[:-1]]
    assert [word for word in copied if not (PROJECT / word).exists()] == []
    assert Settings.model_fields["code_port"].default == 3030
