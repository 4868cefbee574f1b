"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a free port, stopped by its process."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

PASSWORD = "p@ss/word 4711"
DSN = "postgresql://market:p%40ss%2Fword%204711@127.0.0.1:{port}/postgres"
USERS = ("postgres", "nobody")
"""Who runs the server where the tests run as root, whom PostgreSQL refuses."""


def programs() -> Path:
    """Return the folder of PostgreSQL's programs, or skip the test with the reason."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not found and not on_path:
        pytest.skip("no PostgreSQL server on this machine: neither in PATH nor in /usr/lib/postgresql")
    return found[-1].parent if found else Path(str(on_path)).parent


class Cluster:
    """A server with one superuser, `market`, and its password."""

    def __init__(self, folder: Path) -> None:
        self._programs, self._folder = programs(), folder
        self._owner = _owner() if os.geteuid() == 0 else None
        if self._owner is not None:
            os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        password = folder / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)
        self._run(
            "initdb",
            "-D",
            self.data,
            "-U",
            "market",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--pwfile",
            str(password),
            "-N",
        )

    @property
    def data(self) -> str:
        return str(self._folder / "data")

    @property
    def dsn(self) -> str:
        return DSN.format(port=self.port)

    @property
    def pid(self) -> int:
        return int((self._folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", self.data, "-l", log, "-o", options, "-w", "-t", "30", "start")

    def stop(self) -> None:
        """End the server by its process, breaking off whoever is connected, and wait until it is gone."""
        pid = self.pid
        os.kill(pid, signal.SIGINT)
        while (self._folder / "data" / "postmaster.pid").exists():
            os.sched_yield()

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Return what a statement gives, as the superuser."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            cursor = connection.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *words: str) -> None:
        command: Sequence[str] = [str(self._programs / program), *words]
        user = {} if self._owner is None else {"user": self._owner.pw_uid, "group": self._owner.pw_gid}
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
        done = subprocess.run(
            command,
            env=environment,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            **({**user, "extra_groups": []} if user else {}),
        )
        assert done.returncode == 0, f"{program} ended with {done.returncode}"


def _owner() -> pwd.struct_passwd:
    return next(pwd.getpwnam(name) for name in USERS if name in {user.pw_name for user in pwd.getpwall()})


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a server of its own; its folder lies where every user may enter."""
    with tempfile.TemporaryDirectory(prefix="market_pipeline_postgres_") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder))
        cluster.start()
        try:
            yield cluster
        finally:
            if (Path(folder) / "data" / "postmaster.pid").exists():
                cluster.stop()
