# SPDX-License-Identifier: MIT
"""gc: what the collector knows, and when it will run next."""

import argparse
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from .. import collector, text, verb


PREFIX_WIDTH = len("Interpreter 12: ")


ONE_EACH = 0x03090000
"""Since then each interpreter has a collector of its own (bpo-36854)."""


@dataclass(frozen=True)
class Answer:
    """Every interpreter's collector."""

    interpreters: List[Any]  # the library's rows
    version: int  # PY_VERSION_HEX
    short_version: str
    free_threaded: bool
    limit: Optional[int]


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Read the collectors' own books."""
    python = session.python_info()
    if python.free_threaded:  # no lists: the objects themselves say what is tracked
        session.need(verb.STAGE_OBJECTS)
    return Answer(
        interpreters=sorted(session.interpreter_list(), key=lambda row: row.id),
        version=python.hex,
        short_version=".".join(python.version.split(".")[:2]),
        free_threaded=bool(python.free_threaded),
        limit=args.limit,
    )


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """Numbers the collector does not have are null."""
    return {"interpreters": [_interpreter_json(row) for row in answer.interpreters]}


def _interpreter_json(row: Any) -> Dict[str, Any]:
    return {
        "id": row.id,
        "enabled": bool(row.gc_enabled),
        "collecting": bool(row.gc_collecting),
        "frozen": collector.frozen(row),
        "garbage": row.garbage,
        "long_lived_total": _known(row.long_lived_total),
        "long_lived_pending": _known(row.long_lived_pending),
        "generations": [
            {
                "name": generation.name,
                "objects": generation.objects,
                "threshold": _known(generation.threshold),
                "count": _known(generation.count),
                "collections": _known(generation.collections),
                "collected": _known(generation.collected),
                "uncollectable": _known(generation.uncollectable),
            }
            for generation in row.generations
        ],
    }


def _known(value: int) -> Optional[int]:
    return None if value < 0 else value


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """A table a collector, then when the next collections come."""
    if not answer.interpreters:
        return ["No interpreter was found, so there is no collector."]
    lines: List[str] = []
    for row in answer.interpreters:
        if lines:
            lines.append("")
        prefix = f"Interpreter {row.id}: " if len(answer.interpreters) > 1 else ""
        if lines and not row.generations and answer.version < ONE_EACH:
            lines.append(f"{prefix}CPython {answer.short_version} has one collector for all: the above.")
            continue
        lines.append(prefix + _sentence(row, bool(prefix)))
        lines.append("")
        lines.extend(_table(row, style))
        lines.extend(_outlook(row, answer))
    notes = text.Notes(spelling, style)
    notes.add("note", _note(answer))
    notes.next("garbage", why="what a full collection would free")
    notes.next("find", "--gen", "0")
    return lines + [""] + notes.lines()


def _sentence(row: Any, inside: bool) -> str:
    tracked = collector.tracked(row)
    who = "the collector" if inside else "The collector"
    if row.gc_collecting:
        return (
            f"{who} was running when the process stopped; counts in gc heads are its work copies."
        )
    living = collector.living(row)
    tracked_words = (
        f"{text.plural(tracked, 'object')} {text.verb_form(tracked, 'is', 'are')} tracked"
    )
    frozen = collector.frozen(row)
    rest = "none frozen" if not frozen else f"{text.number(frozen)} frozen"
    garbage = (
        "gc.garbage is empty" if not row.garbage else f"gc.garbage holds {text.number(row.garbage)}"
    )
    if not row.gc_enabled:
        state = "is disabled (gc.disable())"
    elif living and living[0].threshold == 0:
        return f"{who} is enabled, but threshold 0 is 0: automatic collection is off."
    else:
        state = "is enabled and idle"
    said = [tracked_words, rest, garbage]
    room = text.WIDTH - PREFIX_WIDTH * inside
    # What says nothing unusual gives way first.
    for dull in ("gc.garbage is empty", "none frozen"):
        if text.width(f"{who} {state}; {', '.join(said)}.") > room and dull in said:
            said.remove(dull)
    return f"{who} {state}; {', '.join(said)}."


def _table(row: Any, style: text.Style) -> List[str]:
    head = (
        "generation",
        "objects",
        "count",
        "threshold",
        "collections",
        "collected",
        "uncollectable",
    )
    rows: List[List[text.Cell]] = []
    for generation in row.generations:
        figures = [
            generation.count,
            generation.threshold,
            generation.collections,
            generation.collected,
            generation.uncollectable,
        ]
        name = generation.name[3:] if generation.name.startswith("gen") else generation.name
        cells = [text.number(value) if value >= 0 else "" for value in figures]
        rows.append([name, text.number(generation.objects)] + cells)
    return text.table(rows, "rrrrrrr", style, head=head)


def _outlook(row: Any, answer: Answer) -> List[str]:
    """When the next collections come; only where the version's rules are known."""
    living = collector.living(row)
    if row.gc_collecting or not living or living[0].threshold <= 0 or living[0].count < 0:
        return []
    if len(living) == 3 and living[0].name == "gen0":
        return _three_generations(row, living, answer)
    lines = ["", f"when the next one comes (CPython {answer.short_version}):"]
    needed = living[0].threshold + 1 - living[0].count
    return lines + [f"  {living[0].name}  {_after(needed, row.gc_enabled)}."]


def _after(needed: int, enabled: int) -> str:
    if needed <= 0:
        words = "at the next container allocation"
    else:
        words = f"after {text.number(needed)} more container allocations than frees"
    return words if enabled else f"{words}, once gc.enable() is called"


def _three_generations(row: Any, living: List[Any], answer: Answer) -> List[str]:
    young, middle, old = living
    lines = [
        "",
        f"when the next one comes (CPython {answer.short_version}: a generation is collected when "
        "count > threshold):",
    ]
    first = max(young.threshold + 1 - young.count, 0)
    lines.append(f"  generation 0  {_after(first, row.gc_enabled)}.")
    if middle.threshold < 0 or middle.count < 0:
        return lines
    runs = max(middle.threshold + 1 - middle.count, 0)
    earliest = first + runs * (young.threshold + 1)
    lines.append(
        f"  generation 1  in place of collection {text.number(runs + 1)} of generation 0 from now "
        f"(its count goes {text.number(middle.count)} to {text.number(middle.threshold + 1)}),"
    )
    lines.append(f"                at the earliest after {text.number(earliest)} such allocations.")
    return lines + _oldest(row, old)


def _oldest(row: Any, old: Any) -> List[str]:
    if old.threshold < 0 or old.count < 0:
        return []
    runs = max(old.threshold + 1 - old.count, 0)
    lines = [f"  generation 2  after {text.plural(runs, 'collection')} of generation 1"]
    if runs == 0:
        lines = ["  generation 2  in place of the next collection of generation 1"]
    quarter = row.long_lived_total // 4
    if quarter <= 0 or row.long_lived_pending < 0:
        return [lines[0] + "."]
    lines[0] += f", and only once {text.number(quarter)} objects have survived them"
    enough = ": enough" if row.long_lived_pending >= quarter else ""
    lines.append(
        "                since the last full one (a quarter of "
        f"{text.number(row.long_lived_total)}); so far "
        f"{text.number(row.long_lived_pending)}{enough}."
    )
    return lines


def _note(answer: Answer) -> str:
    frozen = sum(collector.frozen(row) for row in answer.interpreters)
    if frozen:
        return (
            f"gc.freeze() only hides {text.plural(frozen, 'object')} from the collector; "
            "it gives no memory back."
        )
    if answer.free_threaded:
        return (
            "the free-threaded collector has one generation: each collection looks at everything."
        )
    if answer.version >= 0x030D0000 and any(
        len(collector.living(row)) != 3 for row in answer.interpreters
    ):
        return "gc.collect() without an argument is a full collection."
    return "gc.collect() without an argument collects all three generations, not only generation 0."


VERB = verb.Verb(
    name="gc",
    summary="Show what the garbage collector knows, and when it runs next.",
    stage=lambda args: verb.STAGE_RUNTIME,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(),
    body="""
objects is the length of a generation's list. count is something else: for
generation 0, allocations minus frees since the last collection; for the
others, collections of the next younger one. A collection starts when count
exceeds threshold.
""",
    examples=("gc",),
    see=("garbage", "cycles", "find"),
)
