"""Two weeks of all markets, as `status --calendar` shows them."""

from __future__ import annotations

import json

from market_pipeline_tests.cli.conftest import Command


def lines(command: Command, first: str) -> list[str]:
    return command("status", "--calendar", "--from", first).stdout.splitlines()


def row(printed: list[str], day: str) -> str:
    [found] = [line for line in printed if day in line and " auctions" not in line and "days from" not in line]
    return found


def test_it_shows_fourteen_days_from_today_without_a_simulated_exchange_or_data(command: Command) -> None:
    done = command("status", "--calendar", "--json")
    document = json.loads(done.stdout)
    assert (done.exit_code, document["feed"]) == (0, "simulated")
    assert {len(days) for days in document["markets"].values()} == {14}


def test_it_starts_at_the_feeds_own_date(running_command: Command) -> None:
    assert json.loads(running_command("status", "--calendar", "--json").stdout)["first"] == "2026-11-19"


def test_a_holiday_is_named_and_a_weekend_is_not(command: Command) -> None:
    printed = lines(command, "2026-11-16")
    assert "closed: Independence Day" in row(printed, "Wed 2026-11-18")
    assert "closed" not in row(printed, "Sat 2026-11-21")
    assert "all day" in row(printed, "Sat 2026-11-21")


def test_ramadan_hours_and_their_auctions_are_shown_from_their_first_day_on(command: Command) -> None:
    printed = lines(command, "2026-02-16")
    assert "09:30–15:30" in row(printed, "2026-02-18")
    assert "10:00–13:30 Ramadan hours" in row(printed, "2026-02-19")
    [regular, ramadan] = [line for line in printed if line.startswith("casablanca auctions")]
    assert regular.startswith("casablanca auctions: opening auction 09:00–09:30, ")
    assert ramadan.startswith("casablanca auctions from 2026-02-19 on: opening auction 09:15–10:00, ")


def test_a_change_of_the_clocks_is_shown_on_the_days_after_it(command: Command) -> None:
    printed = lines(command, "2026-02-10")
    assert "casablanca +01:00" in printed[4]
    assert "09:30–15:30 (+00:00)" in row(printed, "Mon 2026-02-16")
    assert "(+00:00)" not in row(printed, "Fri 2026-02-13")


def test_days_beyond_the_published_calendar_are_marked_and_explained(command: Command) -> None:
    printed = lines(command, "2026-12-28")
    assert "~closed: New Year" in row(printed, "2027-01-01")
    assert "~09:15–15:30" in row(printed, "Mon 2027-01-04")
    [explained] = [line for line in printed if line.startswith("casablanca ~ provisional")]
    assert "the published calendar ends 2026-12-31" in explained


def test_a_program_reads_hours_in_utc_and_the_auctions_of_each_group(command: Command) -> None:
    document = json.loads(command("status", "--calendar", "--from", "2026-11-19", "--json").stdout)
    day = document["markets"]["india"][0]
    assert {name: day[name] for name in ("day", "open", "close", "utc_offset", "is_half_day", "season")} == {
        "day": "2026-11-19",
        "open": "2026-11-19T03:45:00+00:00",
        "close": "2026-11-19T10:00:00+00:00",
        "utc_offset": "+05:30",
        "is_half_day": False,
        "season": "regular",
    }
    assert [(auction["name"], auction["group"]) for auction in day["auctions"]] == [("closing_auction", "derivatives")]
    assert document["markets"]["india"][5]["closed_for"] == "Guru Nanak Jayanti"


def test_a_first_day_that_cannot_be_is_refused(command: Command) -> None:
    assert "'tomorrow' is not a date" in command("status", "--calendar", "--from", "tomorrow").stderr
    done = command("status", "--from", "2026-11-19")
    assert done.exit_code == 2
    assert "--from was given without --calendar" in done.stderr
