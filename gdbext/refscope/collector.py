# SPDX-License-Identifier: MIT
"""When CPython's collector runs next, said once for all verbs that speak of it.

Modules/gcmodule.c (3.8 to 3.12) and Python/gc.c: a generation is collected when its count exceeds
its threshold; the oldest one that does takes the younger ones with it; the oldest of three also
waits until the objects that survived since its last collection are a quarter of all.
"""

from typing import Any, List, Optional

from . import text


def living(interpreter: Any) -> List[Any]:
    """The generations that are collected; the frozen one is not."""
    return [row for row in interpreter.generations if row.name != "frozen"]


def frozen(interpreter: Any) -> int:
    """Objects hidden by gc.freeze()."""
    return sum(row.objects for row in interpreter.generations if row.name == "frozen")


def tracked(interpreter: Any) -> int:
    """Objects the collector looks at."""
    return sum(row.objects for row in living(interpreter))


def needed(generation: Any) -> Optional[int]:
    """How much its count must grow until it is collected; None where it has none."""
    if generation.threshold < 0 or generation.count < 0:
        return None
    return max(generation.threshold + 1 - generation.count, 0)


def fate(interpreter: Optional[Any], generation: str) -> str:
    """Why garbage of a generation is still here, and when it goes."""
    if generation == "frozen":
        return "frozen by gc.freeze(): no collection looks at it."
    if interpreter is None:
        return "unreachable: no collection has found it yet."
    if not interpreter.gc_enabled:
        return (
            "unreachable, but gc is disabled: it stays until gc.enable() and a collection, "
            "or gc.collect()."
        )
    rows = living(interpreter)
    if rows and rows[0].threshold == 0:
        return "unreachable, but threshold 0 is 0: it stays until gc.collect()."
    index = next((i for i, row in enumerate(rows) if row.name == generation), None)
    if index is None or not generation.startswith("gen"):
        return f"unreachable, {_words(generation)}: goes when the collector gets to it."
    return _fate_of_three(interpreter, rows, index)


def _words(generation: str) -> str:
    return f"{generation} generation" if generation in ("young", "old") else generation


def _fate_of_three(interpreter: Any, rows: List[Any], index: int) -> str:
    row, first = rows[index], needed(rows[0])
    if index == 0 and first is not None:
        after = f"after {text.number(first)} more container allocations than frees"
        return (
            f"unreachable, generation 0: collected when its count passes "
            f"{text.number(row.threshold)}: it is {text.number(row.count)}, so {after}. "
            "Nothing is wrong."
        )
    if index == 1 and row.count >= 0:
        return (
            f"unreachable, generation 1: goes when its count, now {text.number(row.count)}, passes "
            f"{text.number(row.threshold)} collections of generation 0."
        )
    quarter, pending = interpreter.long_lived_total // 4, interpreter.long_lived_pending
    if index == 2 and pending >= 0 and interpreter.long_lived_total >= 0:
        return (
            "unreachable, generation 2: goes at the next full collection, which needs "
            f"{text.number(quarter)} survivors of generation 1 and has {text.number(pending)}."
        )
    return f"unreachable, generation {index}: goes when that is collected."
