"""Ties a process to the one that started it, by the kernel's own means. Linux only; elsewhere it does nothing."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
_C_LIBRARY = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded here, as a forked child must load nothing


def end_with_parent(parent: int) -> None:
    """Have the kernel ask this process to stop when its parent dies; stop now when it is dead already."""
    if _C_LIBRARY is None:
        return
    _C_LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
