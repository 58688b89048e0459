# SPDX-License-Identifier: MIT
"""snapshot: a process, as it was when it was copied, into a core file."""

import argparse
import os
from dataclasses import dataclass
from typing import Any, Dict, List

from .. import text, verb
from ..files import Sparse, output


@dataclass(frozen=True)
class Answer:
    """What was written."""

    path: str
    pid: int
    memory: int  # bytes of the core
    data: int  # of which are not zeros
    file_size: int
    pause_ns: int


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Write the copy that was taken when the process was opened."""
    target = session.session_target()
    if target.source == "core":
        raise verb.VerbError(f"It is a core file already: {text.clean(target.path)}.")
    if target.source != "process":
        raise verb.VerbError("gdb writes what it debugs itself: generate-core-file FILE.")
    with output(args.file) as out:
        sparse = Sparse(out)
        session.write_core(sparse.write, sparse.zeros, getattr(args, "tick", None))
        sparse.finish()
    size = os.stat(args.file).st_size
    return Answer(args.file, target.pid, sparse.written, sparse.data, size, target.pause_ns)


def as_json(answer: Answer) -> Dict[str, Any]:
    """What was written where, and for how long the process stood still."""
    return {
        "file": answer.path,
        "pid": answer.pid,
        "bytes": answer.memory,
        "data": answer.data,
        "file_size": answer.file_size,
        "pause_ns": answer.pause_ns,
    }


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """Two sentences."""
    name = text.shorten(os.path.basename(answer.path), 24)
    size = f"{text.size(answer.memory)}, {text.size(answer.data)} of it not zeros"
    # What is no file, a pipe or a device, has no size.
    if answer.file_size not in (0, answer.memory):
        size += f", {text.size(answer.file_size)} packed"
    return [
        f"Wrote a core of process {answer.pid} to {style('file', name)} ({size}).",
        f"The process stood still for {text.duration(answer.pause_ns)}.",
    ]


VERB = verb.Verb(
    name="snapshot",
    summary="Keep what was copied of a process as a core file.",
    stage=lambda args: verb.STAGE_RUNTIME,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    positional=verb.Positional("FILE", expr=False, object=False),
    body="""
The process is stopped only while its memory is copied, before this verb or any
other is answered. The core holds that copy, with all threads and mappings;
zeros are holes in the file. Names that end in .gz and .zst are compressed. gdb
and refscope open it like any core.
""",
    examples=("snapshot before.core", "snapshot before.core.zst"),
    see=("export", "heap"),
)
