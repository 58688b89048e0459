# SPDX-License-Identifier: MIT
"""`set refscope ...` and `show refscope ...`."""

import os
from typing import Any, Optional

import gdb

from .. import descriptions, text


class _Prefix(gdb.Command):
    """A prefix that says what is below it when it is given alone; older gdbs are silent there."""

    def __init__(self, name: str, doc: str) -> None:
        self.__doc__ = doc
        self._name = name
        super().__init__(name, gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument: str, from_tty: bool) -> None:
        """Show them all, or how to set them."""
        if argument:
            raise gdb.GdbError(f'Undefined {self._name} command: "{argument}".')
        if self._name.startswith("set"):
            gdb.execute(f"help {self._name}")
            return
        for setting in (Limit, Hints, Progress, Types, Library):
            gdb.execute(f"show {setting.name}")


class _Setting(gdb.Parameter):
    """A setting whose value is told in one sentence."""

    name = ""
    said = ""

    def __init__(self, kind: int, default: Any) -> None:
        super().__init__(self.name, gdb.COMMAND_DATA, kind)
        self.value = default

    def get_set_string(self) -> str:
        """Nothing is said when it is set."""
        return ""

    def get_show_string(self, svalue: str) -> str:
        """What it is now."""
        return self.said % svalue


class Limit(_Setting):
    """How many rows of a list the py- commands show.

    0 shows all of them. --limit N of a command goes before it."""

    name = "refscope limit"
    set_doc = "Set how many rows of a list the py- commands show."
    show_doc = "Show how many rows of a list the py- commands show."
    said = "Lists are cut after %s rows; 0 is never."


class Hints(_Setting):
    """Whether the py- commands propose what to give next.

    "auto" is on where gdb talks to a terminal."""

    name = "refscope hints"
    set_doc = "Set whether the py- commands propose what to give next."
    show_doc = "Show whether the py- commands propose what to give next."
    said = "Whether the py- commands propose what to give next: %s."


class Progress(_Setting):
    """Whether long work of the py- commands shows how far it is."""

    name = "refscope progress"
    set_doc = "Set whether long work of the py- commands shows how far it is."
    show_doc = "Show whether long work of the py- commands shows how far it is."
    said = "Whether long work shows how far it is: %s."


class Library(_Setting):
    """The libinspect.so that is loaded at the first py- command.

    Empty means the one that belongs to this refscope."""

    name = "refscope library"
    set_doc = "Set the libinspect.so that the py- commands load."
    show_doc = "Show the libinspect.so that the py- commands load."
    said = 'The library is "%s" (empty: the one that belongs to this refscope).'

    def get_set_string(self) -> str:
        """What is open was opened by the old one."""
        from . import sessions

        sessions.drop_all()
        if self.value:
            os.environ["REFSCOPE_LIB"] = self.value
        else:
            os.environ.pop("REFSCOPE_LIB", None)
        return ""


class Types(_Setting):
    """Files that describe types of extension modules, with colons between them.

    Those that come with refscope need not be named."""

    name = "refscope types"
    set_doc = "Set the files that describe types of extension modules."
    show_doc = "Show the files that describe types of extension modules."
    said = 'Types are described by "%s", and by what comes with refscope.'

    def get_set_string(self) -> str:
        """What is open was opened without them."""
        from . import sessions

        sessions.drop_all()
        os.environ[descriptions.SETTING] = self.value or ""
        return ""


def register() -> None:
    """Add the settings."""
    _Prefix("set refscope", "Set how the py- commands of refscope behave.")
    _Prefix("show refscope", "Show how the py- commands of refscope behave.")
    Limit(gdb.PARAM_ZUINTEGER, text.DEFAULT_LIMIT)
    Hints(gdb.PARAM_AUTO_BOOLEAN, None)
    Progress(gdb.PARAM_BOOLEAN, True)
    Types(gdb.PARAM_OPTIONAL_FILENAME, os.environ.get(descriptions.SETTING, ""))
    Library(gdb.PARAM_OPTIONAL_FILENAME, os.environ.get("REFSCOPE_LIB", ""))


def limit() -> Optional[int]:
    """Rows of a list; None for as many as is usual."""
    value = gdb.parameter("refscope limit")
    return None if value == text.DEFAULT_LIMIT else int(value)


def hints() -> bool:
    """Whether to propose what to give next."""
    value = gdb.parameter("refscope hints")
    return os.isatty(1) if value is None else bool(value)


def progress() -> bool:
    """Whether long work shows how far it is."""
    return bool(gdb.parameter("refscope progress")) and os.isatty(2)
