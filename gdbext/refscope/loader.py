# SPDX-License-Identifier: MIT
"""Finding libinspect.so, loading it, and refusing one that was built from another header."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

from . import _abi
from ._abi import Status

SONAME = "libinspect.so.0"


class InspectError(Exception):
    """The library could not do what was asked; the message is one sentence for a person."""

    def __init__(self, status: Status, addr: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.addr = addr
        self.message = message


class LibraryError(InspectError):
    """The library itself is missing, broken, or of another build than this package."""

    def __init__(self, message: str) -> None:
        super().__init__(Status.ERR_UNSUPPORTED, 0, message)


def candidates() -> list[str]:
    """Where the library may be, in the order in which it is looked for."""
    chosen = os.environ.get("REFSCOPE_LIB")
    if chosen:
        return [chosen]
    package = Path(__file__).resolve().parent
    places = [package.parents[1] / "build" / "lib", package]
    # PREFIX/share/refscope/refscope is the package where it is installed.
    prefix = package.parents[2] if len(package.parents) > 2 else package
    places += [prefix / "lib", *sorted(prefix.glob("lib/*-linux-gnu"))]
    found = [str(place / SONAME) for place in places if (place / SONAME).exists()]
    return [*found, SONAME]


class Library:
    """A loaded libinspect: its functions as attributes, with their C types."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._cdll = ctypes.CDLL(path)
        except OSError as error:
            raise LibraryError(_load_failure(path, str(error))) from None
        self._check_abi()

    def __getattr__(self, name: str) -> Any:
        if name not in _abi.FUNCTIONS:
            raise AttributeError(name)
        try:
            function = getattr(self._cdll, name)
        except AttributeError:
            raise LibraryError(f"{self.path} has no {name}; run `make` to build it anew") from None
        function.restype, function.argtypes = _abi.FUNCTIONS[name]
        setattr(self, name, function)
        return function

    def _check_abi(self) -> None:
        got = self.insp_abi()
        if got != _abi.ABI_HASH:
            raise LibraryError(
                f"{self.path} was built from another libinspect.h than this Python package"
                f" ({got:08x}, not {_abi.ABI_HASH:08x}); run `make gen` and then `make`,"
                " or install both anew"
            )

    def version(self) -> str:
        """Of the library, "1.2.3"."""
        return self.insp_version().decode()


def _load_failure(path: str, reason: str) -> str:
    if path == SONAME and "REFSCOPE_LIB" not in os.environ:
        return f"{SONAME} is not here; run `make`, or set REFSCOPE_LIB to where it is"
    return f"cannot load {path}: {reason}"


_loaded: dict[str, Library] = {}


def load() -> Library:
    """The library; it is loaded once. Raises LibraryError."""
    path = candidates()[0]
    if path not in _loaded:
        _loaded[path] = Library(path)
    return _loaded[path]
