# SPDX-License-Identifier: MIT
"""export: the whole heap as data."""

import argparse
import os
from dataclasses import dataclass
from typing import IO, Any, Callable, Dict, List, Optional

from .. import text, verb
from ..files import output
from ..session import Format

FORMATS = {"jsonl": Format.JSONL}


@dataclass(frozen=True)
class Answer:
    """What was written."""

    path: Optional[str]  # None: to standard output
    objects: int
    edges: int
    written: int  # bytes before compression
    file_size: int


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Write the heap to a file, or to the stream the front end lends for it."""
    summary = session.heap_summary()
    stream = getattr(args, "stream", None)
    counter = _Counter(session, FORMATS[args.format], getattr(args, "tick", None))
    if args.output is None:
        if stream is None:
            raise verb.UsageError("the following arguments are required: -o FILE")
        counter.run(stream)
        return Answer(None, summary.objects, summary.edges, counter.written, 0)
    with output(args.output) as out:
        counter.run(out)
    size = os.stat(args.output).st_size
    return Answer(args.output, summary.objects, summary.edges, counter.written, size)


class _Counter:
    """Hands on what the library writes, and counts it."""

    def __init__(self, session: Any, kind: Format, tick: Optional[Callable[[], object]]) -> None:
        self._session = session
        self._kind = kind
        self._tick = tick
        self.written = 0

    def run(self, out: IO[bytes]) -> None:
        """Write it all."""

        def write(data: bytes) -> None:
            out.write(data)
            self.written += len(data)

        self._session.export(write, self._kind, self._tick)


# ---- answers --------------------------------------------------------------------------------


def as_json(answer: Answer) -> Dict[str, Any]:
    """What was written where."""
    return {
        "file": answer.path,
        "objects": answer.objects,
        "edges": answer.edges,
        "bytes": answer.written,
        "file_size": answer.file_size,
    }


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """One sentence; nothing where standard output is the file."""
    if answer.path is None:
        return []
    name = text.shorten(os.path.basename(answer.path), 24)
    size = text.size(answer.file_size)
    if answer.file_size != answer.written:
        size += f", {text.size(answer.written)} unpacked"
    return [
        f"Wrote {text.plural(answer.objects, 'object')} and "
        f"{text.plural(answer.edges, 'reference')} to {style('file', name)} ({size})."
    ]


VERB = verb.Verb(
    name="export",
    summary="Write all objects, references and roots to a file.",
    stage=lambda args: verb.STAGE_NATIVE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(
        verb.Option(
            "--format", "JSON Lines: one JSON object a line.", choices=("jsonl",), default="jsonl"
        ),
        verb.Option("--output", "the file; .gz and .zst are compressed.", "FILE", short="-o"),
    ),
    body="""
The file has a header, then types, roots, objects by address, and references
by their source and slot. It appears under its name when it is whole.
""",
    examples=("export -o heap.jsonl.gz",),
    see=("heap", "graph"),
)
