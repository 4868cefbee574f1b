"""How exactly indicators are kept: as roughly as an error of one millionth allows, totals to 1e-11. Pure.

A float32 has 24 significant bits and a float64 53; what is noise beyond the promised error would be most of the disk.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

MANTISSA_BITS = 52
LARGEST_ERROR = 0.999e-6
KEPT_BITS = (19, 18, 17, 16)
"""After the point of the mantissa. 19 always hold the error; a value close to a rounder one takes that."""
TOTAL_BITS = 36
LARGEST_FLOAT32 = 3.4e38
"""Just below the largest one, so that no rounding passes it."""


def stored_column(values: npt.NDArray[np.float64], type_: pa.DataType) -> pa.Array:
    """Return a column in its storage type; what has no finite value in it becomes null.

    That is NaN (no value yet), infinity (a division by no volume), and a number that a float32 cannot hold (a division
    by almost nothing: the change of a range that was zero).
    """
    missing = ~np.isfinite(values)
    if type_ == pa.float32():
        missing |= np.abs(values) > LARGEST_FLOAT32
        return pa.array(shorten(np.where(missing, np.nan, values)), type_, mask=missing)
    if type_ == pa.float64():
        return pa.array(shorten_total(values), type_, mask=missing)
    return pa.array(np.where(missing, 0.0, values).astype(type_.to_pandas_dtype()), type_, mask=missing)


def shorten(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return float32 values with at most 20 significant bits: the roundest of four within a relative error of 1e-6.

    A value that 20 bits hold exactly stays exact.

    It rounds from float64 in one step; from float32 the two roundings together could pass 1e-6. Zero, NaN and
    infinity stay what they are.
    """
    finest, *rounder = KEPT_BITS
    chosen = _rounded(values, finest)
    is_exact = chosen == values
    allowed = LARGEST_ERROR * np.abs(values)
    for bits in rounder:
        candidate = _rounded(values, bits)
        with np.errstate(invalid="ignore"):
            is_close = np.abs(candidate - values) <= allowed
        chosen = np.where(is_close & ~is_exact, candidate, chosen)
    return np.where(np.isfinite(values), chosen, values).astype(np.float32)


def shorten_total(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return float64 values rounded to 37 significant bits: relative error below 1e-11, whole numbers to 1e11 exact."""
    return np.where(np.isfinite(values), _rounded(values, TOTAL_BITS), values)


def _rounded(values: npt.NDArray[np.float64], kept_bits: int) -> npt.NDArray[np.float64]:
    dropped = MANTISSA_BITS - kept_bits
    bits = values.astype(np.float64, copy=False).view(np.uint64)
    return ((bits + np.uint64(1 << (dropped - 1))) & ~np.uint64((1 << dropped) - 1)).view(np.float64)
