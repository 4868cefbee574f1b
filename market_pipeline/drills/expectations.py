"""What drills expect, each as a sentence that is judged by what was recorded."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

from market_pipeline.drills.drill import Expectation, Judgement
from market_pipeline.drills.record import Record, clock_words

PERIOD = re.compile(r"until [\d: UTC-]+, (\d+ (?:s|min|h|d)[ \d\w]*)")
SHOWN = 3


def told(key: str, *, within: float, market: str | None = None) -> Expectation:
    """Expect an alert on a key, told within so many minutes of the fault's beginning."""

    def judge(record: Record) -> Judgement:
        alert = record.alert(key, market)
        if alert is None or alert["told"] is None:
            seen = ", ".join(row["key"] for row in record.alerts_of(market or record.market)) or "nothing"
            return Judgement(False, f"not told; told was: {seen}")
        after = alert["told"] - record.fault_began
        return Judgement(after <= timedelta(minutes=within), f"told at T+{clock_words(after)}")

    return Expectation(f"`{key}` is told within {within:g} minutes", judge)


def told_only(*keys: str) -> Expectation:
    """Expect no alert of the market but on these keys, and none twice."""

    def judge(record: Record) -> Judgement:
        seen = [row["key"] for row in record.alerts_of(record.market)]
        others = sorted(set(seen) - set(keys))
        twice = sorted({key for key in seen if seen.count(key) > 1})
        words = [f"{', '.join(others)} as well" if others else "", f"{', '.join(twice)} twice" if twice else ""]
        return Judgement(not others and not twice, "; ".join(filter(None, words)) or f"{len(seen)} alerts, each once")

    return Expectation(f"nothing else is told than {', '.join(keys)}" if keys else "nobody is called", judge)


def recovers(*, within: float) -> Expectation:
    """Expect every alert to end within so many minutes of the fault's end, with a message that names its duration."""

    def judge(record: Record) -> Judgement:
        after, ends = record.all_over, [text for text in record.told if " RECOVERED " in f" {text} "]
        if after is None or not ends:
            on = ", ".join(row["key"] for row in record.alerts if row["ended"] is None)
            return Judgement(False, f"still on: {on}" if on else "no recovery was told")
        bodies = [one.text for one in record.arrivals.get("mail", ()) if " RECOVERED " in one.subject]
        lasted = [found[1] for body in bodies if (found := PERIOD.search(body))]
        seen = f"over {clock_words(after)} after the fault, told as {', '.join(lasted) or 'nothing'}"
        return Judgement(after <= timedelta(minutes=within) and len(lasted) == len(ends), seen)

    return Expectation(f"it is over within {within:g} minutes of the fault's end, and its duration is told", judge)


def ends(key: str, *, within: float, market: str | None = None) -> Expectation:
    """Expect an alert to end within so many minutes of the fault's end, whatever else is still on."""

    def judge(record: Record) -> Judgement:
        alert = record.alert(key, market)
        if alert is None or alert["ended"] is None:
            return Judgement(False, "it was never told" if alert is None else "it is still on")
        after = alert["ended"] - record.fault_ended
        return Judgement(after <= timedelta(minutes=within), f"over {clock_words(after)} after the fault")

    return Expectation(f"`{key}` is over within {within:g} minutes of the fault's end", judge)


def score_falls(*, below: float, rises: bool = True) -> Expectation:
    """Expect the score to fall below so many points, and to be what it was in the end, or at least to rise again."""

    def judge(record: Record) -> Judgement:
        lowest, last = record.lowest, record.last
        if lowest is None or last is None:
            return Judgement(False, "no score was seen")
        calm = max(record.points(record.market, since=record.scores[0].at, until=record.fault_began), default=100.0)
        is_up = last >= calm if rises else last > lowest
        return Judgement(lowest < below and is_up, f"from {calm:g} to {lowest:g} and back to {last:g}")

    return Expectation(f"the score falls below {below:g} and {'is whole' if rises else 'rises'} again", judge)


def score_stays() -> Expectation:
    """Expect the score to lose nothing."""

    def judge(record: Record) -> Judgement:
        return Judgement(
            record.lowest == 100, f"never below {record.lowest:g}" if record.lowest is not None else "none"
        )

    return Expectation("the score stays at 100", judge)


def prices_true() -> Expectation:
    """Expect no stored price or bar that the exchange never had."""

    def judge(record: Record) -> Judgement:
        if record.wrong:
            return Judgement(False, f"{len(record.wrong)} are wrong: {'; '.join(record.wrong[:SHOWN])}")
        return Judgement(record.prices_checked > 0, f"{record.prices_checked} prices and bars compared, none is wrong")

    return Expectation("no wrong price is stored, nobody is left out, nothing vanishes", judge)


def others_true(symbol: str) -> Expectation:
    """Expect no wrong price but of one symbol, of which something else is expected."""

    def judge(record: Record) -> Judgement:
        wrong = [text for text in record.wrong if f" {symbol}" not in text]
        seen = f"{len(wrong)} are wrong: {'; '.join(wrong[:SHOWN])}" if wrong else "none is wrong"
        return Judgement(not wrong, f"{record.prices_checked} prices and bars compared, {seen}")

    return Expectation("no other price is wrong", judge)


def reached_in_time(channel: str, *, within: float) -> Expectation:
    """Expect the first message to reach a channel within so many minutes of the fault's beginning."""

    def judge(record: Record) -> Judgement:
        first = next((one.at for one in record.arrivals[channel] if one.at >= record.fault_began), None)
        if first is None:
            return Judgement(False, "nothing arrived")
        after = first - record.fault_began
        return Judgement(after <= timedelta(minutes=within), f"arrived at T+{clock_words(after)}")

    return Expectation(f"{channel} tells it within {within:g} minutes all the same", judge)


def took_nothing(channel: str) -> Expectation:
    """Expect a channel to have taken nothing while it was down."""

    def judge(record: Record) -> Judgement:
        during = [one for one in record.arrivals[channel] if record.fault_began <= one.at < record.fault_ended]
        later = [one for one in record.arrivals[channel] if one.at >= record.fault_ended]
        return Judgement(not during and bool(later), f"{len(during)} while it was down, {len(later)} afterwards")

    return Expectation(f"what {channel} could not take waits until it is back", judge)


def neighbour_untouched() -> Expectation:
    """Expect the neighbour to keep its score and to call nobody."""

    def judge(record: Record) -> Judgement:
        name = record.neighbour or ""
        keys = [row["key"] for row in record.alerts_of(name)]
        lowest = min(record.points(name, since=record.fault_began), default=None)
        seen = f"{name}: score never below {lowest:g}" if lowest is not None else f"{name} was not looked at"
        return Judgement(lowest == 100 and not keys, f"{seen}, told: {', '.join(keys) or 'nothing'}")

    return Expectation("other markets are untouched", judge)


def delivered_in_order(*channels: str) -> Expectation:
    """Expect each channel to have taken every message once, in the order in which they were written."""

    def judge(record: Record) -> Judgement:
        wrong = [
            f"{name} took {len(record.arrivals[name])} of {len(record.told)}, or not in order"
            for name in channels
            if not _are_same([one.subject for one in record.arrivals[name]], record.told)
        ]
        return Judgement(bool(record.told) and not wrong, "; ".join(wrong) or f"{len(record.told)} messages each")

    return Expectation(f"every message reaches {' and '.join(channels)} once, in order", judge)


def _are_same(taken: Sequence[str], told: Sequence[str]) -> bool:
    """Tell whether these are the same messages in the same order; channels shorten a long subject, ending it in "…"."""
    return len(taken) == len(told) and all(
        whole.startswith(one.removesuffix("…").rstrip()) for one, whole in zip(taken, told, strict=True)
    )


def source_takes_over(source: str) -> Expectation:
    """Expect another source's prices to count while the fault holds."""

    def judge(record: Record) -> Judgement:
        during = [name for at, _, name in record.sources if record.fault_began <= at < record.fault_ended]
        after = [name for at, _, name in record.sources if at >= record.fault_ended]
        back = sorted(set(after) - {source}) or [source]
        return Judgement(source in during, f"{source} counted in {during.count(source)} cycles; then {', '.join(back)}")

    return Expectation(f"{source} takes over while the fault holds", judge)


def cycles_survive() -> Expectation:
    """Expect no cycle to fail."""

    def judge(record: Record) -> Judgement:
        first = f"; the first: {record.failed_cycles[0]}" if record.failed_cycles else ""
        return Judgement(not first, f"{len(record.failed_cycles)} of {record.cycles} cycles failed{first}")

    return Expectation("no cycle fails", judge)


def is_noticed(*, within: float) -> Expectation:
    """Expect the fault to show in the data within so many minutes, whether somebody is called or not."""

    def judge(record: Record) -> Judgement:
        after = record.noticed
        is_met = after is not None and after <= timedelta(minutes=within)
        return Judgement(is_met, f"noticed at T+{clock_words(after)}" if after is not None else "never noticed")

    return Expectation(f"it is noticed within {within:g} minutes", judge)


def fact(text: str, name: str, judge: Callable[[object], bool]) -> Expectation:
    """Expect something of what a drill measured itself."""

    def judged(record: Record) -> Judgement:
        value = record.facts.get(name)
        return Judgement(value is not None and judge(value), "not measured" if value is None else str(value))

    return Expectation(text, judged)
