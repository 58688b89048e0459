# SPDX-License-Identifier: MIT
"""Types that extension modules bring, described in files: which slots of theirs own what.

A few come with refscope, in the folder types; the files that REFSCOPE_TYPES names are read after
them, so that they may say otherwise. What is in one stands in docs/types.md.
"""

import os
from pathlib import Path
from typing import Any, Iterable, List

from .session import InspectError, Status

SHIPPED = Path(__file__).with_name("types")
SETTING = "REFSCOPE_TYPES"


class DescriptionError(Exception):
    """A file that cannot be read, or says what cannot be. One line for a person."""


def files() -> List[Path]:
    """Those that come with refscope, then those that are named, in order."""
    named = os.environ.get(SETTING, "")
    own = [Path(name) for name in named.split(os.pathsep) if name]
    return sorted(SHIPPED.glob("*.types")) + own


def add(names: Iterable[str]) -> None:
    """Name more of them for all sessions that are opened from now on."""
    named = [os.environ.get(SETTING, ""), *names]
    os.environ[SETTING] = os.pathsep.join(name for name in named if name)


def describe(session: Any) -> Any:
    """Tell a session that was just opened of all of them, and return it."""
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            raise DescriptionError(f"{path}: {reason.lower()}.") from None
        try:
            session.describe_types(str(path), text)
        except InspectError as error:
            if error.status != Status.ERR_ARGUMENT:
                raise
            raise DescriptionError(f"{error.message}.") from None
    return session
