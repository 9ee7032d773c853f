"""Keep a long-running process small and even: fewer heaps, buffers given back, no long pauses.

glibc keeps a heap for every thread that ever allocated, up to eight for each core, and each stays
as large as its busiest moment. Of several threads only one runs Python at a time, so two do.
Python's collector stops every thread while it looks at all objects that live: 60 to 85 ms for what
the daemon's modules alone make, which a shopper's request would wait for. Left as it is it looks
after every 700 new objects, dozens of times while one page of products is read, and takes a quarter
of the time of a reconcile; what we make has few circles, and can wait.
"""

from __future__ import annotations

import ctypes
import gc
import sys

_M_ARENA_MAX = -8
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 128 * 1024
_NEW_OBJECTS = 20_000


def keep_small() -> bool:
    """Tell the C library. False: it is not glibc, and goes on as it does."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_M_ARENA_MAX, 2)) and bool(mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES))


def collect_rarely() -> None:
    """Let the collector look after many new objects, not after few."""
    gc.set_threshold(_NEW_OBJECTS)


def keep_even() -> None:
    """Let the collector pass over all that lives now. Once in a process, when it is composed."""
    gc.collect()
    gc.freeze()
