"""Raw payloads as evidence."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from market_pipeline.clock import HandClock
from market_pipeline.errors import StorageError, UsageError
from market_pipeline.storage.payloads import PayloadStore


@pytest.fixture
def clock() -> HandClock:
    return HandClock(datetime(2026, 11, 20, 12, tzinfo=UTC))


@pytest.fixture
def store(tmp_path: Path, clock: HandClock) -> PayloadStore:
    return PayloadStore(tmp_path, clock=clock)


def test_a_payload_is_found_by_the_sha_256_of_its_bytes(store: PayloadStore) -> None:
    sha = store.keep(b'{"price": 1}')
    assert sha == sha256(b'{"price": 1}').hexdigest()
    assert store.get(sha) == b'{"price": 1}'


def test_a_day_of_one_process_is_one_pack_that_zcat_reads(store: PayloadStore, tmp_path: Path) -> None:
    for payload in (b"one ", b"two ", b"three"):
        store.keep(payload)
    (pack,) = tmp_path.glob("2026-11-20/*.pack")
    assert gzip.decompress(pack.read_bytes()) == b"one two three"


def test_the_same_payload_is_kept_once_a_day(store: PayloadStore, clock: HandClock, tmp_path: Path) -> None:
    for _ in range(3):
        store.keep(b"same")
    clock.advance(timedelta(days=1))
    store.keep(b"same")
    assert [len(path.read_text().splitlines()) for path in sorted(tmp_path.glob("*/*.index"))] == [1, 1]


def test_another_process_finds_what_the_first_one_kept(store: PayloadStore, clock: HandClock, tmp_path: Path) -> None:
    shas = [store.keep(f"payload {n}".encode()) for n in range(5)]
    other = PayloadStore(tmp_path, clock=clock)
    other.keep(b"its own")
    assert [other.get(sha) for sha in shas] == [f"payload {n}".encode() for n in range(5)]


def test_old_days_are_deleted(store: PayloadStore, clock: HandClock, tmp_path: Path) -> None:
    old = store.keep(b"old")
    clock.advance(timedelta(days=3))
    new = store.keep(b"new")
    assert store.retain(2) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["2026-11-23"]
    assert store.get(new) == b"new"
    with pytest.raises(UsageError, match=f"payload {old} is not kept; payloads are deleted after"):
        store.get(old)


def test_a_damaged_pack_is_told_from_a_good_one(store: PayloadStore, tmp_path: Path) -> None:
    sha = store.keep(b"evidence")
    (pack,) = tmp_path.glob("*/*.pack")
    pack.write_bytes(b"x" * pack.stat().st_size)
    with pytest.raises(StorageError, match="is damaged; a retry cannot help"):
        store.get(sha)


def test_an_index_line_cut_by_a_kill_is_passed_over(store: PayloadStore, tmp_path: Path) -> None:
    sha = store.keep(b"evidence")
    (index,) = tmp_path.glob("*/*.index")
    with index.open("a") as file:
        file.write("ab12 17")
    assert store.get(sha) == b"evidence"


def test_a_disk_that_refuses_is_a_storage_error(tmp_path: Path, clock: HandClock) -> None:
    (tmp_path / "payloads").write_text("a file where a folder is due")
    with pytest.raises(StorageError, match="it is as it was before"):
        PayloadStore(tmp_path / "payloads", clock=clock).keep(b"x")
