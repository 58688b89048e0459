# SPDX-License-Identifier: MIT
"""The verbs, in the order in which help lists them. A new verb is a file here and a line below."""

import difflib
from typing import Dict, List

from ..verb import UsageError, Verb
from . import (
    arenas,
    audit,
    crash,
    cycles,
    export,
    find,
    garbage,
    gc,
    graph,
    heap,
    layout,
    obj,
    referents,
    referrers,
    refs,
    retained,
    snapshot,
    threads,
    what,
    why,
)

ALL: List[Verb] = [
    heap.VERB,
    find.VERB,
    obj.VERB,
    what.VERB,
    crash.VERB,
    refs.VERB,
    why.VERB,
    retained.VERB,
    referrers.VERB,
    referents.VERB,
    graph.VERB,
    cycles.VERB,
    garbage.VERB,
    audit.VERB,
    gc.VERB,
    arenas.VERB,
    threads.VERB,
    layout.VERB,
    export.VERB,
    snapshot.VERB,
]

BY_NAME: Dict[str, Verb] = {verb.name: verb for verb in ALL}


def named(name: str) -> Verb:
    """The verb of that name. Raises UsageError, which says what is close."""
    found = BY_NAME.get(name)
    if found is not None:
        return found
    close = difflib.get_close_matches(name, [*BY_NAME, "run"], 3, 0.5)
    hint = f" Close: {', '.join(close)}." if close else " --help lists the verbs."
    shown = name if len(name) <= 40 and name.isprintable() else ascii(name)[:40]
    raise UsageError(f"unknown verb '{shown}'.{hint}")
