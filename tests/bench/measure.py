"""What every bench shares: a result with its goal, rounds, the machine it ran on."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table."""

    name: str
    value: float
    unit: str
    goal: str
    met: bool
    details: dict[str, float | str] = field(default_factory=dict)


def seconds(work: Callable[[], object]) -> float:
    """How long one run of it takes, by the wall."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def at_least(name: str, value: float, goal: float, unit: str, **details: float | str) -> Result:
    return Result(name, value, unit, f">= {goal:g}", value >= goal, dict(details))


def at_most(name: str, value: float, goal: float, unit: str, **details: float | str) -> Result:
    return Result(name, value, unit, f"<= {goal:g}", value <= goal, dict(details))


def line(result: Result) -> str:
    """A result in one line, for whoever waits."""
    met = "met" if result.met else "MISSED"
    return f"{result.name}: {result.value:.3g} {result.unit} ({result.goal}: {met}; {told(result)})"


def told(result: Result) -> str:
    """What else is to be known of a result."""
    return ", ".join(f"{name.replace('_', ' ')} {each}" for name, each in result.details.items())


def machine() -> str:
    """The machine in one line."""
    with open("/proc/meminfo", encoding="ascii") as memory:
        kibibytes = int(memory.readline().split()[1])
    cores = os.cpu_count()
    return (
        f"{cores} cores, {kibibytes // 2**20} GiB, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}"
    )
