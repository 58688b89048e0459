# SPDX-License-Identifier: MIT
"""Answers never survive a `continue`: what changes gdb's view of a target drops its session."""

from typing import Any, Set

import gdb

from . import sessions

# Newer gdbs have more of them; each is connected where it is.
_CHANGES = (
    "cont",
    "exited",
    "inferior_call",
    "memory_changed",
    "register_changed",
    "new_objfile",
    "clear_objfiles",
    "free_objfile",
    "corefile_changed",
    "connection_removed",
    "inferior_deleted",
)


_connected: Set[str] = set()


def register() -> None:
    """Listen to every event that makes answers stale, once."""
    for name in _CHANGES:
        registry = getattr(gdb.events, name, None)
        if registry is not None and name not in _connected:
            registry.connect(_changed)
            _connected.add(name)


def _changed(_event: Any) -> None:
    sessions.drop_all()
