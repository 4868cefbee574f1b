"""What launcher and zygote say to each other: one JSON line each way over a Unix socket in Dagster's home.

The folder belongs to its owner alone. A launch needs a last word of the launcher's, so that one who has given up
waiting, and started the run elsewhere, never has it started twice.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRWPair
from pathlib import Path
from typing import Any

from market_pipeline.errors import ZygoteAbsent

FOLDER, SOCKET = "launcher", "zygote.sock"
ANSWER_SECONDS = 5
GO = b"go\n"
type Message = dict[str, Any]
type Stream = BufferedRWPair


def launcher_folder(home: Path) -> Path:
    """Return the folder inside Dagster's home, made if missing, that only its owner may look into."""
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def socket_address(home: Path) -> Iterator[str]:
    """Yield the socket's address; through the folder's descriptor, as a socket's path must not exceed 107 bytes."""
    folder = os.open(home / FOLDER, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET}"
    finally:
        os.close(folder)


@contextmanager
def connected(home: Path) -> Iterator[Stream]:
    """Yield a stream to the zygote of this home. Raise ZygoteAbsent when none listens or it does not answer."""
    try:
        with socket_address(home) as address, socket.socket(socket.AF_UNIX) as plug:
            plug.settimeout(ANSWER_SECONDS)
            plug.connect(address)
            with plug.makefile("rwb") as stream:
                yield stream
    except (OSError, ValueError) as error:
        raise ZygoteAbsent(
            f"asked the zygote of {home} and it does not answer ({type(error).__name__}); a retry may help; "
            "`market-pipeline up` keeps one, and without it runs start the default way"
        ) from error


def ask(stream: Stream, request: Message) -> Message:
    """Send one request and return its answer. Raise ValueError for anything but a JSON object."""
    say(stream, request)
    return read(stream)


def say(stream: Stream, message: Message) -> None:
    """Send one message."""
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


def read(stream: Stream) -> Message:
    """Return the next message. Raise ValueError for anything but a JSON object, an early end included."""
    message = json.loads(stream.readline())
    if not isinstance(message, dict):
        raise ValueError("not a JSON object")
    return message
