# SPDX-License-Identifier: MIT
"""$_pyobj_type(ADDR) and $_pyobj_refcnt(ADDR), for conditions and printf."""

from typing import Any

import gdb

from .. import asking, target, text, verb
from ..session import InspectError
from ..target import TargetError
from . import sessions


def _object(value: Any) -> Any:
    """The row of the object a value points to."""
    addr = int(value) & ((1 << 64) - 1)
    try:
        session = sessions.current().session
        session.need(verb.STAGE_RUNTIME)
        if not asking.is_seen_alone(session, addr):
            session.need(verb.STAGE_OBJECTS)
            target.check_object(session, addr)
        return session, session.object_look(addr)
    except (TargetError, InspectError) as error:
        raise gdb.GdbError(target.sentence(str(error))) from None


class TypeOf(gdb.Function):
    """$_pyobj_type(ADDR): the name of the type of the Python object at ADDR.

    Example: print $_pyobj_type($rdi)"""

    def __init__(self) -> None:
        super().__init__("_pyobj_type")

    def invoke(self, value: Any) -> str:
        """Its name without the module."""
        session, row = _object(value)
        types = session.type_list()
        return text.clean(types[row.type].name) if 0 <= row.type < len(types) else ""


class RefcountOf(gdb.Function):
    """$_pyobj_refcnt(ADDR): the reference count of the Python object at ADDR.

    Example: print $_pyobj_refcnt($rdi)"""

    def __init__(self) -> None:
        super().__init__("_pyobj_refcnt")

    def invoke(self, value: Any) -> int:
        """The logical count: sys.getrefcount less one."""
        _session, row = _object(value)
        return row.refcnt


def register() -> None:
    """Add the functions."""
    TypeOf()
    RefcountOf()
