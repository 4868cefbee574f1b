"""What an indicator is: which columns it fills, from what, by which function, and what its figures mean.

A definition is data; nothing here computes or imports a computing library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
CustomFunction = Callable[..., FloatArray | tuple[FloatArray, ...]]

FIELDS = ("open", "high", "low", "close", "volume")
OPEN_CLOSE = ("open", "close")
OHLC = ("open", "high", "low", "close")
HIGH_LOW = ("high", "low")
HLC = ("high", "low", "close")
CLOSE = ("close",)
VOLUME = ("volume",)
CLOSE_VOLUME = ("close", "volume")
HLV = ("high", "low", "volume")
HLCV = ("high", "low", "close", "volume")


class Anchor(StrEnum):
    """Where the computation starts: at the first bar of the window, or of the present session."""

    WINDOW = "window"
    SESSION = "session"


class Group(StrEnum):
    """Who computes: TA-Lib, pandas-ta (tier-1 symbols only), or a function of ours in custom/."""

    TALIB = "talib"
    PANDAS_TA = "pandas_ta"
    CUSTOM = "custom"


@dataclass(frozen=True)
class Kind:
    """What a figure is: its unit, the least and greatest value it can take (None: no bound), and how it is stored."""

    unit: str
    range: tuple[float, float] | None = None
    storage_type: str = "float32"


PRICE = Kind("currency")
PERCENT = Kind("percent")
OSCILLATOR = Kind("percent", (0.0, 100.0))
SIGNED_OSCILLATOR = Kind("percent", (-100.0, 100.0))
RATIO = Kind("ratio")
SHARE_OF_ONE = Kind("ratio", (0.0, 1.0))
SIGNED_SHARE = Kind("ratio", (-1.0, 1.0))
INDEX = Kind("index")
SHARES = Kind("shares")
# A total grows without end while a reader looks at the steps between its rows: float32 would swallow a thin minute.
TOTAL_SHARES = Kind("shares", None, "float64")
DIRECTION = Kind("direction", (-1.0, 1.0), "int16")
FLAG = Kind("flag", (0.0, 1.0), "int16")
PATTERN = Kind("score", (-100.0, 100.0), "int16")
PATTERN_UP = Kind("score", (0.0, 100.0), "int16")
PATTERN_DOWN = Kind("score", (-100.0, 0.0), "int16")


@dataclass(frozen=True, eq=False)
class Indicator:
    """One call that fills one or more columns. `params` holds every parameter of the function, none left to a default.

    is_tail_exact: each value comes afresh from its own last warm-up + 1 bars, so that the newest rows need no
    more than those to be equal to the last bit. stated_warm_up: bars before the first value, where no library tells.
    """

    columns: tuple[str, ...]
    function: str
    inputs: tuple[str, ...]
    params: Mapping[str, float | str]
    kinds: tuple[Kind, ...]
    description: str
    source: str
    family: str = ""
    group: Group = Group.TALIB
    anchor: Anchor = Anchor.WINDOW
    is_tail_exact: bool = False
    stated_warm_up: int | None = None

    @property
    def uses_volume(self) -> bool:
        """Tell whether volume is among the inputs."""
        return "volume" in self.inputs


def ta(
    columns: str, function: str, *, of: tuple[str, ...], kind: Kind | tuple[Kind, ...], text: str, **params: float
) -> Indicator:
    """Return the definition of a TA-Lib call; `columns` are separated by blanks, one `kind` serves all of them."""
    names = tuple(columns.split())
    kinds = (kind,) * len(names) if isinstance(kind, Kind) else kind
    page = f"https://ta-lib.org/functions/{function.lower()}"
    return Indicator(names, function, of, params, kinds, text, page)


def session(indicator: Indicator) -> Indicator:
    """Return the same indicator started anew with each session: for totals, which have no memory to forget with."""
    return replace(indicator, anchor=Anchor.SESSION)


def fresh(indicator: Indicator) -> Indicator:
    """Return the same indicator marked as tail-exact (see Indicator); a test holds the mark to the last bit."""
    return replace(indicator, is_tail_exact=True)
