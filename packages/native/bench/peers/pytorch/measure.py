"""Timing, and the choice among several ways to write the same in PyTorch."""

from dataclasses import dataclass
from time import perf_counter
from typing import Callable

LEAST_MS = 0.5
# Allocators and caches find their size in the first calls.
SETTLING_CALLS = 2
SETTLING_MS = 500


@dataclass
class Variant:
    """One way to compute a case. `look` turns the result of `once` into the tensors to compare, in our layout."""

    name: str
    once: Callable
    look: Callable = lambda result: [result]
    results: list | None = None


def _batch(once, calls):
    start = perf_counter()
    for _ in range(calls):
        once()
    return 1e3 * (perf_counter() - start)


def measure(once, budget):
    """Median and minimum milliseconds per call of a function that has run before; short calls are timed in batches."""
    first = 0
    for _ in range(SETTLING_CALLS):
        if first < SETTLING_MS:
            first = _batch(once, 1)
    calls = max(1, round(LEAST_MS / max(first, 1e-4)))
    times = [first] if calls == 1 else []
    end = perf_counter() + (budget - first) / 1e3
    while not times or perf_counter() < end:
        times.append(_batch(once, calls) / calls)
    times.sort()
    return {"median": times[len(times) // 2], "min": times[0], "repeats": len(times) * calls}


def fastest(variants):
    """Runs all variants a few times and gives the fastest, with its results of the first run."""

    def shortest(variant):
        variant.results = list(variant.look(variant.once()))
        if len(variants) == 1:
            return 0
        return min(_batch(variant.once, 1) for _ in range(3))

    return min(variants, key=shortest)
