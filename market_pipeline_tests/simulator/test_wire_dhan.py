"""Dhan's wire format, pinned to the recorded samples."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market_pipeline.simulator.faults import DataFault, Fault
from market_pipeline.simulator.viewpoint import Viewpoint
from market_pipeline.simulator.wire import dhan
from market_pipeline.simulator.wire.dhan_text import columns_text
from market_pipeline.simulator.wire.format import Reply
from market_pipeline_tests.simulator.shapes import shape_of, union
from market_pipeline_tests.simulator.wires import EXCHANGES, ask, load

OPEN, EVENING = "2026-11-20T08:30:10", "2026-11-20T18:00:00"
QUOTE = "/v2/marketfeed/quote"


@pytest.fixture
def recorded(samples: Path) -> Path:
    return samples / "dhan"


def chart(path: str = "intraday", *, at: str = OPEN, **changes: str) -> Reply:
    body = {
        "securityId": "2885", "exchangeSegment": "NSE_EQ", "instrument": "EQUITY", "interval": "1", "oi": False,
        "fromDate": "2026-11-20 09:15:00", "toDate": "2026-11-20 15:30:00",
    }  # fmt: skip
    return ask("dhan", f"/v2/charts/{path}", at=at, body=body | changes)


def all_ids() -> list[int]:
    text = ask("dhan", "/api-data/api-scrip-master.csv", at=OPEN).body.decode()
    rows = [
        row for row in csv.DictReader(text.splitlines()) if (row["SEM_EXM_EXCH_ID"], row["SEM_SERIES"]) == ("NSE", "EQ")
    ]
    return [int(row["SEM_SMST_SECURITY_ID"]) for row in rows if not row["SEM_TRADING_SYMBOL"].endswith("NSETEST")]


def test_a_quote_has_the_shape_of_the_sample(recorded: Path) -> None:
    before_open, during = (
        shape_of(load(ask("dhan", QUOTE, at=at, body={"NSE_EQ": all_ids()})), ids=r"\d+")
        for at in ("2026-11-20T03:40:00", OPEN)
    )
    sample = shape_of(json.loads((recorded / "quote_normal.json").read_bytes()), ids=r"\d+")
    assert union(before_open, during) == sample


def test_a_quote_has_the_order_of_keys_of_the_sample(recorded: Path) -> None:
    sample = json.loads((recorded / "quote_normal.json").read_bytes())["data"]["NSE_EQ"]["2885"]
    ours = load(ask("dhan", QUOTE, at=OPEN, body={"NSE_EQ": [2885]}))["data"]["NSE_EQ"]["2885"]
    assert list(ours) == list(sample)


@pytest.mark.parametrize("name", ["intraday_normal", "historical_normal"])
def test_a_chart_has_the_shape_of_the_sample(recorded: Path, name: str) -> None:
    path = name.partition("_")[0]
    ours = load(chart(path, fromDate="2026-11-10", toDate="2026-11-20"))
    sample = json.loads((recorded / f"{name}.json").read_bytes())
    assert list(ours) == list(sample)
    assert {name: {type(value) for value in column} for name, column in ours.items()} == {
        key: {float} for key in sample
    }
    assert len({len(column) for column in ours.values()}) == 1


def test_a_window_without_trades_is_the_empty_sample(recorded: Path) -> None:
    reply = chart(fromDate="2026-11-21 09:15:00", toDate="2026-11-21 15:30:00")
    assert (reply.status, load(reply)) == (200, json.loads((recorded / "intraday_empty.json").read_bytes()))


def test_chart_times_are_true_epoch_seconds_of_the_minutes_start() -> None:
    assert load(chart())["timestamp"][0] == datetime(2026, 11, 20, 3, 45, tzinfo=UTC).timestamp()


def test_the_last_bar_of_a_running_session_is_unfinished() -> None:
    bars = load(chart())
    assert bars["timestamp"][-1] == datetime(2026, 11, 20, 8, 30, tzinfo=UTC).timestamp()
    assert bars["volume"][-1] < load(chart(at="2026-11-20T08:31:00"))["volume"][-2 + len(bars["volume"]) - 284]


def test_daily_history_excludes_its_last_date_and_starts_days_at_midnight_in_india() -> None:
    days = load(chart("historical", fromDate="2026-11-18", toDate="2026-11-19", at=EVENING))
    assert days["timestamp"] == [1794940200.0]


def test_longer_intervals_join_minutes_from_the_open_on() -> None:
    minutes, groups = load(chart(at=EVENING)), load(chart(at=EVENING, interval="25"))
    assert groups["timestamp"][1] - groups["timestamp"][0] == 25 * 60
    assert groups["volume"][0] == sum(minutes["volume"][:25])
    assert groups["high"][0] == max(minutes["high"][:25])
    assert len(groups["open"]) == 15


def test_the_fast_way_and_the_plain_way_give_the_same_bytes() -> None:
    start, end = datetime(2026, 11, 17, 3, 45, tzinfo=UTC), datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    fast = chart(fromDate="2026-11-17 09:15:00").body
    moment = datetime.fromisoformat(OPEN).replace(tzinfo=UTC).timestamp()
    view = Viewpoint(EXCHANGES.exchange("india"), moment)
    assert columns_text(view.bars("RELIANCE", start=start.timestamp(), end=end.timestamp() + 1)) == fast


def test_unknown_ids_are_absent() -> None:
    answer = load(ask("dhan", QUOTE, at=OPEN, body={"NSE_EQ": [2885, 999_999_999], "dhanClientId": "simulated"}))
    assert list(answer["data"]["NSE_EQ"]) == ["2885"]


def test_ltp_and_ohlc_are_parts_of_the_quote() -> None:
    quote = load(ask("dhan", QUOTE, at=OPEN, body={"NSE_EQ": [1333]}))["data"]["NSE_EQ"]["1333"]
    for name, keys in (("ltp", ["last_price"]), ("ohlc", ["last_price", "ohlc"])):
        part = load(ask("dhan", f"/v2/marketfeed/{name}", at=OPEN, body={"NSE_EQ": [1333]}))["data"]["NSE_EQ"]["1333"]
        assert part == {key: quote[key] for key in keys}


def error(recorded: Path, name: str) -> Any:
    return json.loads((recorded / f"{name}.json").read_bytes())


def test_a_call_without_a_token_is_refused_as_in_the_sample(recorded: Path) -> None:
    reply = ask("dhan", QUOTE, at=OPEN, body={"NSE_EQ": [2885]}, headers={})
    assert (reply.status, load(reply)) == (401, error(recorded, "error_dh901"))


def test_an_expired_token_is_refused_as_in_the_sample(recorded: Path) -> None:
    keys = {"access-token": "expired", "client-id": "simulated"}
    reply = ask("dhan", QUOTE, at=OPEN, body={"NSE_EQ": [2885]}, headers=keys)
    assert (reply.status, load(reply)) == (401, error(recorded, "quote_error_807"))


def test_a_quote_needs_the_client_id(recorded: Path) -> None:
    reply = ask("dhan", QUOTE, at=OPEN, body={"NSE_EQ": [2885]}, headers={"access-token": "simulated"})
    assert load(reply) == error(recorded, "error_dh901")


def test_more_than_1000_instruments_are_refused(recorded: Path) -> None:
    reply = ask("dhan", QUOTE, at=OPEN, body={"NSE_EQ": list(range(1001))})
    assert (reply.status, load(reply)) == (400, error(recorded, "error_dh905"))


def test_more_than_90_days_are_refused(recorded: Path) -> None:
    reply = chart(fromDate="2026-08-21 09:15:00", toDate="2026-11-20 15:30:00")
    assert (reply.status, load(reply)) == (400, error(recorded, "error_dh905"))
    assert chart(fromDate="2026-08-23 09:15:00", toDate="2026-11-20 15:30:00").status == 200


def test_an_unknown_instrument_has_no_data(recorded: Path) -> None:
    assert load(chart(securityId="999999999")) == error(recorded, "error_dh907")


@pytest.mark.parametrize("changes", [{"fromDate": "yesterday"}, {"interval": "30"}, {"securityId": ""}])
def test_bad_values_are_refused(recorded: Path, changes: dict[str, str]) -> None:
    assert load(chart(**changes)) == error(recorded, "error_dh905")


@pytest.mark.parametrize(
    ("status", "path", "name"),
    [(429, "/v2/charts/intraday", "error_dh904"), (429, QUOTE, "error_805"), (401, QUOTE, "quote_error_807")],
)
def test_refusals_are_the_samples(recorded: Path, status: int, path: str, name: str) -> None:
    assert load(dhan.refuse(status, "POST", path)) == error(recorded, name)


def test_the_master_has_the_samples_columns_and_kinds_of_rows(recorded: Path) -> None:
    def kinds(text: str) -> set[tuple[str, ...]]:
        names = ("SEM_EXM_EXCH_ID", "SEM_SEGMENT", "SEM_INSTRUMENT_NAME", "SEM_EXPIRY_FLAG", "SEM_EXCH_INSTRUMENT_TYPE")
        return {tuple(row[name] for name in (*names, "SEM_SERIES")) for row in csv.DictReader(text.splitlines())}

    ours = ask("dhan", "/api-data/api-scrip-master.csv", at=OPEN).body.decode()
    sample = (recorded / "master_compact.csv").read_text()
    assert ours.splitlines()[0] == sample.splitlines()[0]
    assert kinds(ours) - kinds(sample) == {("NSE", "E", "EQUITY", "NA", "ES", "BE")}
    assert kinds(sample) <= kinds(ours)


def test_rows_of_the_master_that_the_sample_has_are_the_same(recorded: Path) -> None:
    ours = ask("dhan", "/api-data/api-scrip-master.csv", at=OPEN).body.decode().splitlines()
    sample = (recorded / "master_compact.csv").read_text().splitlines()
    same = {"BSE,E,500325", "NSE,I,25", "NSE,E,759001", "NSE,E,2902", "NSE,D,53001"}
    for prefix in same:
        assert [row for row in ours if row.startswith(f"{prefix},")] == [
            row for row in sample if row.startswith(f"{prefix},")
        ]


def test_500_quotes_agree_with_the_exchange() -> None:
    answer = load(ask("dhan", QUOTE, at=OPEN, body={"NSE_EQ": all_ids()}))["data"]["NSE_EQ"]
    moment = datetime.fromisoformat(OPEN).replace(tzinfo=UTC).timestamp()
    prices = [row.price for row in EXCHANGES.exchange("india").standings(moment)]
    assert [row["last_price"] for row in answer.values()] == prices
    assert len(prices) == 500


def test_a_future_fault_moves_the_text_time_ahead() -> None:
    fault = DataFault(Fault.model_validate({"kind": "future", "seconds": 7200}), lambda symbol: symbol == "TCS")
    at = datetime.fromisoformat(OPEN).replace(tzinfo=UTC)
    plain, ahead = (
        Viewpoint(EXCHANGES.exchange("india"), at.timestamp(), faults).standings(["TCS"])[0].traded_at
        for faults in ((), (fault,))
    )
    assert plain is not None and ahead is not None
    assert timedelta(seconds=ahead - plain) == timedelta(hours=2)
