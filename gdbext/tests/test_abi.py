# SPDX-License-Identifier: MIT
"""The bindings against the header and the library, by other means than those that made them."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "gdbext"))

import refscope  # noqa: E402
from refscope import _abi  # noqa: E402

INCLUDE = ROOT / "libinspect" / "include"
HEADER = INCLUDE / "libinspect.h"
STRUCTS = {n for n, v in vars(_abi).items() if isinstance(v, type(ctypes.Structure))}
LIBRARY = os.environ.get("REFSCOPE_LIB", str(ROOT / "build" / "lib" / "libinspect.so.0"))


def claims() -> Iterator[str]:
    """What ctypes believes of the header, as C that does not compile where it is wrong."""
    for struct in _abi.RECORDS:
        name = struct.__name__
        yield claim(f"sizeof({name})", ctypes.sizeof(struct))
        yield claim(f"_Alignof({name})", ctypes.alignment(struct))
        for field, kind in fields(struct):
            yield claim(f"offsetof({name}, {field})", getattr(struct, field).offset)
            yield claim(f"sizeof((({name} *)0)->{field})", ctypes.sizeof(kind))
            if kind in SIGNED:
                yield claim(f"((__typeof__((({name} *)0)->{field}))-1 < 0)", int(SIGNED[kind]))
    for name, value in constants():
        yield claim(name, value)
    for name, types in prototypes().items():
        result, arguments = _abi.FUNCTIONS[name]
        for text, kind in zip(types, [result, *arguments]):
            if kind is not None:
                yield claim(f"sizeof({text})", ctypes.sizeof(kind))
            if kind in SIGNED:
                yield claim(f"(({text})-1 < 0)", int(SIGNED[kind]))


def prototypes() -> dict[str, list[str]]:
    """Functions of the header by name: the type of the result, then those of the arguments."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.S)
    found = {}
    for result, name, arguments in re.findall(r"INSP_API ([^;]*?)(insp_\w+)\(([^;]*)\);", text):
        each = [] if arguments == "void" else arguments.split(",")
        types = [re.sub(r"\w+$", "", argument.strip()).strip() for argument in each]
        found[name] = [result.strip(), *types]
    return found


SIGNED = {
    ctypes.c_int32: True,
    ctypes.c_int64: True,
    ctypes.c_uint32: False,
    ctypes.c_uint64: False,
    ctypes.c_size_t: False,
}


def fields(struct: Any) -> list[tuple[str, Any]]:
    return struct._fields_


def claim(expression: str, value: int) -> str:
    text = expression.replace('"', "'")
    return f'_Static_assert({expression} == {value}, "{text} is not {value}");\n'


def constants() -> Iterator[tuple[str, int]]:
    """Enum members and numbers by their C names."""
    text = HEADER.read_text(encoding="utf-8")
    enums = {e.__name__: e for e in vars(_abi).values() if isinstance(e, type(_abi.Status))}
    for body, name in re.findall(r"typedef enum \w+ \{(.*?)\} insp_(\w+);", text, re.S):
        kind = enums.pop(name.title().replace("_", ""))
        for member in re.findall(r"\bINSP_\w+(?= = )", body):
            found = [m for m in kind if member.endswith("_" + m.name)]
            yield member, max(found, key=lambda m: len(m.name)).value
    assert not enums or set(enums) == {"IntEnum"}, enums
    yield "INSP_NONE", _abi.INSP_NONE


class Header(unittest.TestCase):
    def compile(self, compiler: str, text: str) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "claims.c"
            source.write_text("#include <libinspect.h>\n" + text, encoding="utf-8")
            command = [compiler, "-std=gnu11", "-fsyntax-only", f"-I{INCLUDE}", str(source)]
            return subprocess.run(command, capture_output=True, text=True)

    def compilers(self) -> list[str]:
        return [name for name in ("gcc", "clang") if shutil.which(name)]

    def test_compilers_agree_with_ctypes(self) -> None:
        text = "".join(claims())
        self.assertGreater(text.count("_Static_assert"), 500)
        for compiler in self.compilers():
            with self.subTest(compiler):
                said = self.compile(compiler, text).stderr
                self.assertEqual(re.findall(r"error: .*", said), [])

    def test_a_wrong_claim_does_not_compile(self) -> None:
        for compiler in self.compilers():
            wrong = claim("offsetof(insp_object, refcnt)", _abi.insp_object.refcnt.offset + 8)
            self.assertIn("insp_object, refcnt) is not", self.compile(compiler, wrong).stderr)

    def test_functions_take_what_the_header_says(self) -> None:
        found = prototypes()
        self.assertEqual(set(found), set(_abi.FUNCTIONS))
        for name, types in found.items():
            result, arguments = _abi.FUNCTIONS[name]
            with self.subTest(name):
                self.assertEqual(len(types), 1 + len(arguments))
                for text, kind in zip(types, [result, *arguments]):
                    self.assertEqual(stars(text), depth(kind), text)

    def test_the_header_stands_alone_and_in_cxx(self) -> None:
        for command in (["gcc", "-std=c11", "-Wpedantic", "-x", "c"], ["gcc", "-x", "c++"]):
            done = subprocess.run(
                [*command, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", str(HEADER)],
                capture_output=True,
                text=True,
            )
            if "cc1plus" not in done.stderr:  # gcc without C++
                self.assertEqual(done.stderr, "")


def stars(text: str) -> tuple[int, str]:
    """How often a C type is a pointer, and to which structure."""
    base = text.replace("const", "").replace("*", "").strip()
    return text.count("*"), base if base in STRUCTS else ""


def depth(kind: Any) -> tuple[int, str]:
    """The same of a ctypes type."""
    if kind in (ctypes.c_char_p, ctypes.c_void_p):
        return 1, ""
    n = 0
    while hasattr(kind, "contents"):
        n, kind = n + 1, kind._type_
    name = getattr(kind, "__name__", "")
    if kind is ctypes.c_char_p:
        n += 1
    return n, name if name in STRUCTS else ""


class Symbols(unittest.TestCase):
    def exported(self) -> set[str]:
        done = subprocess.run(
            ["nm", "-D", "--defined-only", LIBRARY], capture_output=True, text=True, check=True
        )
        rows = [line.split() for line in done.stdout.splitlines()]
        return {row[2].partition("@")[0] for row in rows if row[1] != "A"}

    def test_the_library_exports_the_declared_functions_and_nothing_else(self) -> None:
        self.assertEqual(self.exported(), set(prototypes()))

    def test_library_and_package_have_one_version(self) -> None:
        version = ctypes.CDLL(LIBRARY).insp_version
        version.restype = ctypes.c_char_p
        self.assertEqual(version().decode(), refscope.__version__)

    def test_the_library_was_built_from_this_header(self) -> None:
        self.assertEqual(ctypes.c_uint32(ctypes.CDLL(LIBRARY).insp_abi()).value, _abi.ABI_HASH)


if __name__ == "__main__":
    unittest.main()
