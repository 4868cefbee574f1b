"""Seeded randomness with random access: every value is a pure function of the seed and the names it is asked for."""

from __future__ import annotations

from hashlib import blake2b
from statistics import NormalDist

import numpy as np

_STANDARD_NORMAL = NormalDist()
_SPAN = float(1 << 64)


def digest(*parts: object) -> int:
    """Return 64 bits that depend on every part and on nothing else."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def uniform(*parts: object) -> float:
    """Return a number in [0, 1)."""
    return digest(*parts) / _SPAN


def normal(*parts: object) -> float:
    """Return a draw of the standard normal distribution."""
    return _STANDARD_NORMAL.inv_cdf((digest(*parts) + 0.5) / (_SPAN + 1))


def stream(*parts: object) -> np.random.Generator:
    """Return a generator of its own for these parts, so that the order of calls never matters."""
    return np.random.Generator(np.random.PCG64(digest(*parts)))
