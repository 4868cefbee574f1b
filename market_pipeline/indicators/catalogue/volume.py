"""Volume: does it confirm the price. Totals start with the session; the others span the whole window."""

from __future__ import annotations

from market_pipeline.indicators.indicator import (
    CLOSE_VOLUME,
    HLCV,
    HLV,
    INDEX,
    OSCILLATOR,
    PERCENT,
    PRICE,
    RATIO,
    SHARES,
    SIGNED_SHARE,
    TOTAL_SHARES,
    VOLUME,
    Indicator,
    Kind,
    fresh,
    session,
    ta,
)

VOLUMES: tuple[Indicator, ...] = (
    session(ta("OBV", "OBV", of=CLOSE_VOLUME, kind=TOTAL_SHARES, text="Σ ± volume by the close's direction")),
    session(ta("AD", "AD", of=HLCV, kind=TOTAL_SHARES, text="Σ volume · (2·close − high − low)/(high − low)")),
    ta("ADOSC_3_10", "ADOSC", of=HLCV, kind=SHARES, text="EMA 3 − EMA 10 of AD", fastperiod=3, slowperiod=10),
    ta("CMF_20", "CMF", of=HLCV, kind=SIGNED_SHARE, text="AD's 20-bar sum / Σ volume", timeperiod=20),
    ta("MFI_14", "MFI", of=HLCV, kind=OSCILLATOR, text="RSI of typical price · volume, plain sums", timeperiod=14),
    ta(
        "EFI_13",
        "EFI",
        of=CLOSE_VOLUME,
        kind=Kind("currency × shares"),
        text="EMA 13 of change · volume",
        timeperiod=13,
    ),
    session(ta("PVT", "PVT", of=CLOSE_VOLUME, kind=TOTAL_SHARES, text="Σ volume · relative change of the close")),
    session(ta("NVI", "NVI", of=CLOSE_VOLUME, kind=INDEX, text="1000 · Π(close / last close) where volume falls")),
    session(ta("PVI", "PVI", of=CLOSE_VOLUME, kind=INDEX, text="1000 · Π(close / last close) where volume rises")),
    ta("PVO_12_26", "PVO", of=VOLUME, kind=PERCENT, text="PPO of volume", fastperiod=12, slowperiod=26, matype=1),
    ta("RVOL_20", "RVOL", of=VOLUME, kind=RATIO, text="volume / mean of the 20 bars before", timeperiod=20),
    session(ta("VWAP_D", "VWAP", of=HLCV, kind=PRICE, text="Σ typical price · volume / Σ volume; 0 before any volume")),
    fresh(ta("MARKETFI", "MARKETFI", of=HLV, kind=Kind("currency per share"), text="(high − low) / volume")),
)
