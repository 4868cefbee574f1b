"""Patterns of one to three bars: 100 up, −100 down, 0 none. Thresholds are means of the 5–10 bars before."""

from __future__ import annotations

from market_pipeline.indicators.indicator import OHLC, PATTERN, PATTERN_DOWN, PATTERN_UP, Indicator, ta

PATTERNS: tuple[Indicator, ...] = (
    ta("CDLDOJI", "CDLDOJI", of=OHLC, kind=PATTERN_UP, text="open and close all but equal"),
    ta("CDLHAMMER", "CDLHAMMER", of=OHLC, kind=PATTERN_UP, text="small body on a long lower shadow, near the last low"),
    ta("CDLENGULFING", "CDLENGULFING", of=OHLC, kind=PATTERN, text="body covers the previous one of other colour"),
    ta("CDLSHOOTINGSTAR", "CDLSHOOTINGSTAR", of=OHLC, kind=PATTERN_DOWN, text="gap up, long upper shadow"),
    ta("CDLMORNINGSTAR", "CDLMORNINGSTAR", of=OHLC, kind=PATTERN_UP, text="fall, small body, rise", penetration=0.3),
    ta("CDLEVENINGSTAR", "CDLEVENINGSTAR", of=OHLC, kind=PATTERN_DOWN, text="rise, small body, fall", penetration=0.3),
    ta("CDL3WHITESOLDIERS", "CDL3WHITESOLDIERS", of=OHLC, kind=PATTERN_UP, text="three long rises in a row"),
    ta("CDL3BLACKCROWS", "CDL3BLACKCROWS", of=OHLC, kind=PATTERN_DOWN, text="three long falls in a row"),
    ta("CDLHARAMI", "CDLHARAMI", of=OHLC, kind=PATTERN, text="small body inside the previous long one"),
    ta("CDLPIERCING", "CDLPIERCING", of=OHLC, kind=PATTERN_UP, text="opens below a long fall, closes above its middle"),
    ta(
        "CDLDARKCLOUDCOVER",
        "CDLDARKCLOUDCOVER",
        of=OHLC,
        kind=PATTERN_DOWN,
        text="opens above a long rise, closes below its middle",
        penetration=0.5,
    ),
    ta("CDLMARUBOZU", "CDLMARUBOZU", of=OHLC, kind=PATTERN, text="long body without shadows"),
    ta("CDLSPINNINGTOP", "CDLSPINNINGTOP", of=OHLC, kind=PATTERN, text="small body, longer shadows"),
    ta("CDLHANGINGMAN", "CDLHANGINGMAN", of=OHLC, kind=PATTERN_DOWN, text="a hammer near the last high"),
    ta("CDLINVERTEDHAMMER", "CDLINVERTEDHAMMER", of=OHLC, kind=PATTERN_UP, text="gap down, long upper shadow"),
)
