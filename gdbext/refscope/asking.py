# SPDX-License-Identifier: MIT
"""What a verb has to have before it can answer: addresses for names, stages, objects where they must be."""

import argparse
from typing import Any, Callable

from . import target
from .progress import Line
from .session import InspectError
from .verb import STAGE_OBJECTS, STAGE_RUNTIME, Verb

LARGE = 32 << 20
"""Bytes of arenas from which on a question about one object does not wait until all were read."""


def prepare(
    verb: Verb,
    session: Any,
    args: argparse.Namespace,
    resolve: Callable[[Any, str], int],
    line: Line,
) -> None:
    """Put addresses into `args` and derive what `verb.ask` needs. Raises TargetError."""
    # Before anything is looked up, so that a core of something else says so first.
    session.need(STAGE_RUNTIME, line)
    for dest in verb.exprs():
        word = getattr(args, dest)
        if word is not None:
            setattr(args, dest, resolve(session, word))
    objects = [getattr(args, dest) for dest in verb.objects()]
    named = [addr for addr in objects if addr is not None]
    if verb.alone and all(is_seen_alone(session, addr) for addr in named):
        return
    session.need(verb.stage(args), line)
    line.stages_done()
    for addr in named:
        target.check_object(session, addr)


def is_seen_alone(session: Any, addr: int) -> bool:
    """Whether the object at an address is known without the rest of a large heap.

    Where none is seen, the whole heap says what is there instead.
    """
    if session.reached >= STAGE_OBJECTS or session.python_info().arena_bytes < LARGE:
        return False
    try:
        session.object_look(addr)
    except InspectError:
        return False
    return True
