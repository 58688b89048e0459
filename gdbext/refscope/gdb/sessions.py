# SPDX-License-Identifier: MIT
"""One session an inferior, opened at the first question and dropped when its answers go stale."""

from dataclasses import dataclass, field
from typing import Any, Dict, List

import gdb

from .. import target
from ..session import Session
from .memory import Place, open_place, place_of


@dataclass
class Held:
    """A session and what it was opened on."""

    place: Place
    session: Session
    told: List[str] = field(default_factory=list)  # problems, each said once

    def fresh_problems(self) -> List[str]:
        """What keeps answers from being whole and was not said yet."""
        fresh = target.problems(self.session, self.place.name, self.told)
        self.told.extend(fresh)
        return fresh


_held: Dict[int, Held] = {}


def current() -> Held:
    """The session of the selected inferior. Raises InspectError or TargetError."""
    inferior = gdb.selected_inferior()
    place = place_of(inferior)
    held = _held.get(inferior.num)
    # gdb before 18 has no event for a new core: it is noticed here.
    if held is not None and held.place != place:
        drop(inferior.num)
        held = None
    if held is None:
        held = _held[inferior.num] = Held(place, open_place(place, inferior))
    return held


def opened() -> List[Held]:
    """The session of the selected inferior if there is one; nothing is opened."""
    held = _held.get(gdb.selected_inferior().num)
    return [held] if held is not None else []


def drop(number: int) -> None:
    """Forget everything derived of an inferior."""
    held = _held.pop(number, None)
    if held is not None:
        held.session.close()


def drop_all(*_event: Any) -> None:
    """Forget everything derived."""
    for number in list(_held):
        drop(number)
