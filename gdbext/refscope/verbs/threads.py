# SPDX-License-Identifier: MIT
"""threads: Python threads, their frames and locals, and who holds the GIL."""

import argparse
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from .. import text, verb
from ..book import Namer, hexa


@dataclass(frozen=True)
class Answer:
    """Threads with the values of their locals."""

    threads: List[Any]  # the library's rows
    interpreters: List[int]  # ids, by row
    values: Dict[int, str]  # of locals and exceptions that are shown
    free_threaded: bool
    locals: bool
    limit: Optional[int]


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """List threads, innermost frame first."""
    namer = Namer(session)
    threads = sorted(session.thread_list(), key=lambda thread: (not thread.tid, thread.tid))
    values: Dict[int, str] = {}
    for thread in threads:
        wanted = [thread.exception, thread.handled]
        if args.locals or args.format == "json":
            shown, _rest = text.cut(thread.frames, 0 if args.format == "json" else args.limit)
            wanted += [local.value for frame in shown for local in frame.locals]
        for addr in wanted:
            if addr and addr not in values:
                values[addr] = namer.value(addr)
    return Answer(
        threads=threads,
        interpreters=[row.id for row in session.interpreter_list()],
        values=values,
        free_threaded=bool(session.python_info().free_threaded),
        locals=args.locals,
        limit=args.limit,
    )


# ---- JSON -----------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """Every frame with every local."""
    return {"threads": [_thread_json(answer, thread) for thread in answer.threads]}


def _thread_json(answer: Answer, thread: Any) -> Dict[str, Any]:
    return {
        "addr": hexa(thread.addr),
        "tid": thread.tid or None,
        "ident": thread.ident,
        "interp": _interp(answer, thread),
        "holds_gil": None if thread.holds_gil < 0 else bool(thread.holds_gil),
        "exception": _value_json(answer, thread.exception),
        "handled": _value_json(answer, thread.handled),
        "frames": [_frame_json(answer, frame) for frame in thread.frames],
    }


def _interp(answer: Answer, thread: Any) -> Optional[int]:
    known = 0 <= thread.interp < len(answer.interpreters)
    return answer.interpreters[thread.interp] if known else None


def _value_json(answer: Answer, addr: int) -> Optional[Dict[str, str]]:
    return {"addr": hexa(addr), "value": answer.values.get(addr, "")} if addr else None


def _frame_json(answer: Answer, frame: Any) -> Dict[str, Any]:
    return {
        "addr": hexa(frame.addr),
        "function": frame.function,
        "file": frame.file,
        "line": frame.line or None,
        "code": hexa(frame.code),
        "owner": hexa(frame.owner) if frame.owner else None,
        "locals": [
            {
                "name": local.name,
                "kind": local.kind,
                "addr": hexa(local.value) if local.value else None,
                "value": answer.values.get(local.value, "") if local.value else None,
            }
            for local in frame.locals
        ],
    }


# ---- text -----------------------------------------------------------------------------------


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """A block a thread."""
    if not answer.threads:
        return ["No thread runs Python."]
    lines = [_sentence(answer)]
    for thread in answer.threads:
        lines.append("")
        lines.extend(_thread(answer, thread, style))
    notes = text.Notes(spelling, style)
    if not answer.locals and any(frame.locals for t in answer.threads for frame in t.frames):
        notes.next("threads", "--locals", why="with the values of their locals")
    held = next((t.exception or t.handled for t in answer.threads if t.exception or t.handled), 0)
    if held:
        notes.next("obj", hexa(held), why="the exception")
    return lines + ([""] + notes.lines() if notes.lines() else [])


def _sentence(answer: Answer) -> str:
    n = len(answer.threads)
    frames = sum(len(thread.frames) for thread in answer.threads)
    head = f"{text.plural(n, 'Python thread')} with {text.plural(frames, 'frame')}"
    if len(answer.interpreters) > 1:
        head += f" in {text.plural(len(answer.interpreters), 'interpreter')}"
    if answer.free_threaded:
        return f"{head}; there is no GIL in this build."
    holders = [thread for thread in answer.threads if thread.holds_gil == 1]
    if len(holders) == 1:
        return f"{head}; {_name(holders[0])} holds the GIL."
    if holders:
        return f"{head}; {text.number(len(holders))} of them hold a GIL."
    if any(thread.holds_gil < 0 for thread in answer.threads):
        return f"{head}; who holds the GIL cannot be told."
    return f"{head}; none holds the GIL."


def _name(thread: Any) -> str:
    return f"thread {thread.tid}" if thread.tid else f"thread {thread.addr:#x}"


def _thread(answer: Answer, thread: Any, style: text.Style) -> List[str]:
    words = []
    if thread.holds_gil == 1:
        words.append("holds the GIL")
    if len(answer.interpreters) > 1:
        words.append(f"interpreter {_interp(answer, thread)}")
    if not thread.frames:
        words.append("no Python frame")
    lines = [f"{_name(thread)}{': ' if words else ''}{', '.join(words)}"]
    rows: List[List[text.Cell]] = []
    shown, rest = text.cut(thread.frames, answer.limit)
    for i, frame in enumerate(shown):
        place = text.Span(_place(frame), "file")
        rows.append(
            [f"#{i}", text.address(frame.addr), text.Span(_function(frame), "function"), place]
        )
    body = text.table(rows, "rlll", style)
    for frame, line in zip(shown, body):
        lines.append(line)
        if answer.locals:
            lines.extend(_locals(answer, frame, style))
    if rest:
        lines.append(f"  {text.left_out(rest, 'frames')}")
    for what, addr in (("exception in flight", thread.exception), ("handling", thread.handled)):
        if addr:
            lines.append(f"  {what}: {style('address', hexa(addr))}  {answer.values.get(addr, '')}")
    return lines


def _function(frame: Any) -> str:
    return f"{text.shorten(frame.function, 40)}()"


def _place(frame: Any) -> str:
    place = text.shorten(os.path.basename(frame.file), 40) or "?"
    return f"at {place}:{frame.line}" if frame.line > 0 else f"in {place}"


def _locals(answer: Answer, frame: Any, style: text.Style) -> List[str]:
    rows: List[List[text.Cell]] = []
    for local in frame.locals:
        if not local.name:
            continue
        name = text.Span(text.shorten(local.name, 32), "variable")
        if not local.value:
            rows.append([name, "unbound"])
            continue
        rows.append([name, text.address(local.value), answer.values.get(local.value, "")])
    return text.table(rows, "lll", style, indent=7)


VERB = verb.Verb(
    name="threads",
    summary="List Python threads with their frames, and who holds the GIL.",
    stage=lambda args: verb.STAGE_RUNTIME,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.limit("frames a thread"),
        verb.Option("--locals", "also show the locals of each frame and their values."),
    ),
    body="""
Frames are Python's own, innermost first. An exception "in flight" was raised
and not yet handled; one that is "handled" is in an except block now.
""",
    examples=("threads", "threads --locals --limit 3"),
    see=("refs", "obj"),
)
