"""One file that holds a feed and its configuration: a compressed tar with a header first and checksums last.

A checksum of every file stands in SHA256SUMS, in the form that `sha256sum --check` reads; what was cut off lacks it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pyarrow as pa

from market_pipeline.errors import StorageError, UsageError
from market_pipeline.storage.files import replacing, storage_error
from market_pipeline.storage.staging import Staged

Progress = Callable[[int, int, str], None]
"""Called with (bytes done, bytes in all, file at hand)."""
FORMAT = 1
HEADER, CHECKSUMS = "backup.json", "SHA256SUMS"
CODECS = {".tar.zst": "zstd", ".tar.gz": "gzip"}
_MAGICS = {b"\x28\xb5\x2f\xfd": "zstd", b"\x1f\x8b": "gzip"}
_DAMAGED = (OSError, EOFError, ValueError, KeyError, tarfile.TarError, pa.ArrowException)
BLOCK = 1 << 20


@dataclass(frozen=True)
class Header:
    """What a backup says of itself, before its files."""

    feed: str
    made_at: datetime
    """By the machine's clock, UTC."""
    files: int
    bytes: int


def codec_of(path: Path) -> str:
    """Return how a file of this name is compressed. Raises UsageError for another ending."""
    for suffix, codec in CODECS.items():
        if path.name.endswith(suffix):
            return codec
    raise UsageError(
        f"wanted to write a backup to {path}: its name must end in {' or '.join(CODECS)}; a retry does not help"
    )


def write_archive(path: Path, header: Header, members: Sequence[Staged], *, progress: Progress) -> None:
    """Write the header, every file and the checksums to `path`, which appears whole or not at all.

    Raises StorageError when the disk refuses.
    """
    codec = codec_of(path)
    done, sums = 0, []
    with (
        replacing(path) as temporary,
        pa.CompressedOutputStream(str(temporary), codec) as sink,
        tarfile.open(fileobj=sink, mode="w|") as tar,
    ):
        document = {"format": FORMAT, "feed": header.feed, "made_at": header.made_at.isoformat()}
        _add_text(tar, HEADER, json.dumps(document | {"files": header.files, "bytes": header.bytes}))
        for member in members:
            progress(done, header.bytes, member.name)
            sums.append(f"{_add(tar, member)}  {member.name}")
            done += member.size
        _add_text(tar, CHECKSUMS, "\n".join([*sums, ""]))
        progress(done, header.bytes, "done")


def read_header(path: Path) -> Header:
    """Return what a backup says of itself. Raises UsageError for a file that is none, StorageError if damaged."""
    with _opened(path) as tar:
        member = tar.next()
        if member is None or member.name != HEADER:
            raise UsageError(f"{path} is not a backup of market_pipeline; a retry does not help; name another file")
        document = json.loads(_content(tar, member).read())
        if document["format"] != FORMAT:
            raise UsageError(
                f"{path} is a backup in format {document['format']}, and this version reads {FORMAT}; a retry does "
                "not help; restore it with the version that made it"
            )
        made_at = datetime.fromisoformat(document["made_at"])
        return Header(str(document["feed"]), made_at, int(document["files"]), int(document["bytes"]))


def extract_archive(path: Path, folder: Path, *, header: Header, progress: Progress) -> None:
    """Write every file of a backup below `folder`, which is new, and compare each with its checksum.

    Raises StorageError when the archive is damaged, naming what differs, or the disk refuses.
    """
    found: dict[str, str] = {}
    listed: dict[str, str] | None = None
    done = 0
    with _opened(path) as tar:
        for member in tar:
            if member.name == CHECKSUMS:
                listed = _checksums(_content(tar, member).read().decode())
            elif member.name != HEADER:
                progress(done, header.bytes, member.name)
                found[member.name] = _extract(tar, member, folder / _safe(path, member))
                done += member.size
    _compare(path, found, listed)
    progress(done, header.bytes, "done")


def _compare(path: Path, found: Mapping[str, str], listed: Mapping[str, str] | None) -> None:
    if listed is None:
        raise _damaged(path, "its end is missing, and with it the checksums")
    wrong = sorted(name for name in {*found, *listed} if found.get(name) != listed.get(name))
    if wrong:
        raise _damaged(path, f"{len(wrong)} files differ from their checksums, {wrong[0]} among them")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UsageError(f"wanted to read {path}: {error.strerror}; a retry does not help; correct the path") from error
    codec = next((codec for magic, codec in _MAGICS.items() if start.startswith(magic)), None)
    if codec is None:
        raise UsageError(f"{path} is neither .tar.zst nor .tar.gz; a retry does not help; name a backup")
    try:
        with pa.CompressedInputStream(str(path), codec) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            yield tar
    except _DAMAGED as error:
        raise _damaged(path, " ".join(str(error).split()) or type(error).__name__) from error


def _damaged(path: Path, seen: str) -> StorageError:
    return StorageError(
        f"read the backup {path} and found it damaged ({seen}); nothing was put in place. "
        "A retry does not help: copy the file again from where it was kept, or take an older backup."
    )


def _safe(path: Path, member: tarfile.TarInfo) -> PurePosixPath:
    """Return the member's place below a folder. Raises StorageError for one that would lie elsewhere."""
    name = PurePosixPath(member.name)
    if not member.isreg() or name.is_absolute() or ".." in name.parts:
        raise _damaged(path, f"it holds {member.name!r}, which no backup of ours does")
    return name


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> str:
    """Write one file and return its SHA-256. Its time matters: seeds tell the order of schema versions by it."""
    digest = hashlib.sha256()
    source = _content(tar, member)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = target.open("wb")
    except OSError as error:
        raise storage_error(target, error) from error
    with file:
        while block := source.read(BLOCK):
            digest.update(block)
            _write(file, block, target)
    os.utime(target, (member.mtime, member.mtime))
    return digest.hexdigest()


def _write(file: IO[bytes], block: bytes, target: Path) -> None:
    try:
        file.write(block)
        file.flush()
    except OSError as error:
        raise storage_error(target, error) from error


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member)
    if content is None:
        raise tarfile.ReadError(f"{member.name} is no file")
    return content


def _checksums(text: str) -> dict[str, str]:
    return {name: digest for digest, _, name in (line.partition("  ") for line in text.splitlines())}


class _Hashing:
    """A file that is read once, with its checksum."""

    def __init__(self, file: IO[bytes]) -> None:
        self.digest = hashlib.sha256()
        self._file = file

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


def _add(tar: tarfile.TarFile, member: Staged) -> str:
    entry = tarfile.TarInfo(member.name)
    entry.size, entry.mtime, entry.mode = member.size, member.path.stat().st_mtime, 0o640
    with member.path.open("rb") as file:
        hashing: Any = _Hashing(file)
        tar.addfile(entry, hashing)
    return str(hashing.digest.hexdigest())


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    content = text.encode()
    entry.size, entry.mode = len(content), 0o640
    tar.addfile(entry, io.BytesIO(content))
