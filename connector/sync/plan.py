"""How much at a time, and how much at most: batches and the safety stop. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from connector.sync.rules import SafetyRule

Item = TypeVar("Item")


def batches(
    items: Iterable[Item], limit: int, weight: Callable[[Item], int] = lambda _: 1
) -> Iterator[list[Item]]:
    """The items in their order, in batches whose weights add up to at most `limit`.

    An item heavier than the limit stands in a batch of its own; none is ever left out.
    """
    batch: list[Item] = []
    load = 0
    for item in items:
        heaviness = weight(item)
        if batch and load + heaviness > limit:
            yield batch
            batch, load = [], 0
        batch.append(item)
        load += heaviness
    if batch:
        yield batch


def by_failures(
    items: Iterable[Item], limit: int, failures: Callable[[Item], int]
) -> Iterator[tuple[list[Item], int]]:
    """The items by how often they failed, fewest first, each share with its limit for a batch.

    Each failure makes batches a quarter as large, so that one item that breaks every batch it is
    in soon stands alone, and those that were only beside it go through.
    """
    shares: dict[int, list[Item]] = {}
    for item in items:
        shares.setdefault(failures(item), []).append(item)
    for failed in sorted(shares):
        yield shares[failed], max(1, limit >> 2 * failed)


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many of the wanted retirements may go ahead."""

    allowed: int
    limit: int
    stopped: bool


def retire_allowance(rule: SafetyRule, *, held: int, already: int, wanted: int) -> Allowance:
    """Whether a site may lose this many products now.

    `held` is how many products the site held before, `already` how many it has lost since then.
    More than max(rule.products, rule.percent of held) waits for a person, and so does emptying a
    site that held more than one product. All or nothing: a stopped batch retires none.
    """
    limit = max(rule.products, int(held * rule.percent / 100))
    total = already + wanted
    stopped = wanted > 0 and (total > limit or (held > 1 and total >= held))
    return Allowance(allowed=0 if stopped else wanted, limit=limit, stopped=stopped)
