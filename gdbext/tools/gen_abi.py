#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the ctypes view of libinspect.h: gdbext/refscope/_abi.py and api/abi_hash.h.

Declarations come from clang's dump of its syntax tree. The hash is of the header's text
without comments and white space, so that the build can compute it without clang.

What this relies on: fixed-width fields, no bit-fields, no unions, enums numbered by hand, and an
array field `x` has its length in `n_x` (`rows` in `len`; other names are in LENGTHS).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER = Path(__file__).resolve().parents[2] / "libinspect" / "include" / "libinspect.h"

BASE = {
    "void": "None", "char": "c_char", "int": "c_int", "double": "c_double",
    "size_t": "c_size_t", "insp_addr": "c_uint64",
    **{f"{u}int{n}_t": f"c_{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)},
}  # fmt: skip
LENGTHS = {("insp_arena_row", "pool"): "pools", ("insp_rings", "lengths"): "len"}
# Text that may be NULL.
OPTIONAL = {("insp_object", "gc")}

PROLOGUE = '''# SPDX-License-Identifier: MIT
"""Generated from libinspect.h by gdbext/tools/gen_abi.py (`make gen`). Do not edit.

Structures are the C ones; records are what session.py copies them into.
"""

from __future__ import annotations

from array import array
from ctypes import (
{imports}
)
from enum import IntEnum
from typing import Any, NamedTuple, Optional

ABI_HASH = 0x{hash:08X}
'''


def abi_hash(header: str) -> int:
    """Of the tokens alone: comments and layout change nothing."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", " ", header, flags=re.S)
    return zlib.crc32(" ".join(re.findall(r"\w+|\S", code)).encode())


def hash_header(number: int) -> str:
    return (
        "// SPDX-License-Identifier: MIT\n"
        "/** @file Generated from libinspect.h by gdbext/tools/gen_abi.py. Do not edit. */\n"
        "#ifndef INSP_API_ABI_HASH_H\n#define INSP_API_ABI_HASH_H\n\n"
        f"#define INSP_ABI_HASH 0x{number:08x}u\n\n#endif\n"
    )


def syntax_tree() -> list[dict[str, Any]]:
    command = ["clang", "-x", "c", "-std=c11", "-fsyntax-only", "-Xclang", "-ast-dump=json"]
    try:
        dump = subprocess.run([*command, str(HEADER)], stdout=subprocess.PIPE, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"gen_abi.py: clang cannot read libinspect.h: {error}")
    return [n for n in json.loads(dump)["inner"] if n.get("name", "").startswith("insp_")]


def inner(node: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [n for n in node.get("inner", ()) if n["kind"] == kind]


def fields(node: dict[str, Any]) -> dict[str, str]:
    return {n["name"]: n["type"]["qualType"] for n in inner(node, "FieldDecl")}


def camel(name: str) -> str:
    return name[len("insp_") :].title().replace("_", "")


class Bindings:
    """The text of _abi.py, in the order of the header."""

    def __init__(self, nodes: list[dict[str, Any]]) -> None:
        self.nodes = nodes
        self.enums = {n["name"] for n in nodes if n["kind"] == "EnumDecl"}
        self.structs = {
            n["name"]: n for n in nodes if n["kind"] == "RecordDecl" and "completeDefinition" in n
        }

    def text(self, header: str) -> str:
        constants = re.findall(r"^#define (INSP_\w+) (\d+)u?$", header, re.M)
        parts = [f"{name} = {value}\n" for name, value in constants]
        parts += [text for node in self.nodes for text in self.declaration(node)]
        body = "".join([*parts, *self.tables()])
        used = sorted(set(re.findall(r"\b(?:c_\w+|CFUNCTYPE|POINTER|Structure)\b", body)))
        imports = "\n".join(f"    {name}," for name in used)
        return PROLOGUE.format(hash=abi_hash(header), imports=imports) + body

    def declaration(self, node: dict[str, Any]) -> Iterator[str]:
        name, kind = node["name"], node["kind"]
        if kind == "EnumDecl":
            yield self.enum(node)
        elif name in self.structs and node is self.structs[name]:
            rows = "".join(f'        ("{f}", {self.ctype(t)}),\n' for f, t in fields(node).items())
            yield f"\n\nclass {name}(Structure):\n    _fields_ = [\n{rows}    ]\n"
            if set(fields(node)) != {"rows", "len"}:
                yield self.record(node)
        elif kind == "RecordDecl":
            yield f"\n\nclass {name}(Structure):\n    pass\n"
        elif kind == "TypedefDecl" and "(*)" in node["type"]["qualType"]:
            result, _, arguments = node["type"]["qualType"].partition(" (*)(")
            types = [self.ctype(t) for t in (result, *arguments[:-1].split(", "))]
            yield f"\n\n{name} = CFUNCTYPE({', '.join(types)})\n"
            BASE[name] = name

    def enum(self, node: dict[str, Any]) -> str:
        members = {
            n["name"]: inner(n, "ConstantExpr")[0]["value"] for n in inner(node, "EnumConstantDecl")
        }
        own = node["name"].upper() + "_"
        common = own if len(members) == 1 else os.path.commonprefix(list(members))
        cut = common.rindex("_") + 1
        rows = "".join(f"    {name[cut:]} = {value}\n" for name, value in members.items())
        return f"\n\nclass {camel(node['name'])}(IntEnum):\n{rows}"

    def ctype(self, kind: str) -> str:
        kind = kind.strip()
        array = re.fullmatch(r"(.*)\[(\d+)\]", kind)
        if array:
            return f"{self.ctype(array[1])} * {array[2]}"
        if kind in ("const char *", "void *", "const void *"):
            return "c_char_p" if "char" in kind else "c_void_p"
        if kind.endswith("*"):
            return f"POINTER({self.ctype(kind[:-1])})"
        kind = kind[len("const ") :] if kind.startswith("const ") else kind
        return "c_uint" if kind in self.enums else BASE.get(kind, kind)

    def lengths(self, node: dict[str, Any]) -> dict[str, str]:
        """The array fields of a structure, and the field with the length of each."""
        found = {}
        for name, kind in fields(node).items():
            if self.ctype(kind).startswith("POINTER"):
                usual = "len" if name == "rows" else f"n_{name}"
                found[name] = LENGTHS.get((node["name"], name), usual)
                if found[name] not in fields(node):
                    sys.exit(f"gen_abi.py: which field has the length of {node['name']}.{name}?")
        return found

    def record(self, node: dict[str, Any]) -> str:
        dropped = {"reserved", *self.lengths(node).values()} - {"pools"}
        rows = "".join(
            f"    {name}: {self.annotation(node['name'], name, kind)}\n"
            for name, kind in fields(node).items()
            if name not in dropped
        )
        return f"\n\nclass {camel(node['name'])}(NamedTuple):\n{rows}"

    def annotation(self, struct: str, name: str, kind: str) -> str:
        ctype = self.ctype(kind)
        bare = kind.replace("const ", "").rstrip("* ")
        if ctype == "c_char_p" or ctype.startswith("c_char *"):
            return "Optional[str]" if (struct, name) in OPTIONAL else "str"
        if ctype.startswith("POINTER"):
            return f"list[{camel(bare)}]" if bare in self.structs else "array[int]"
        if bare in self.enums:
            return camel(bare)
        return "tuple[int, ...]" if " * " in ctype else "int"

    def tables(self) -> Iterator[str]:
        yield "\n\n# What a structure is copied into; a plain list where it is rows and len alone.\n"
        yield "RECORDS: dict[type[Structure], Any] = {\n"
        for name, node in self.structs.items():
            yield f"    {name}: {'list' if set(fields(node)) == {'rows', 'len'} else camel(name)},\n"
        yield "}\n\n# The array fields of a structure, and the field with the length of each.\n"
        yield "LENGTHS: dict[type[Structure], dict[str, str]] = {\n"
        for name, node in self.structs.items():
            pairs = ", ".join(f'"{a}": "{n}"' for a, n in self.lengths(node).items())
            yield f"    {name}: {{{pairs}}},\n" if pairs else ""
        yield "}\n\n# The fields of a structure that are enums.\n"
        yield "ENUMS: dict[type[Structure], dict[str, type[IntEnum]]] = {\n"
        for name, node in self.structs.items():
            pairs = ", ".join(f'"{f}": {camel(t)}' for f, t in fields(node).items() if t in self.enums)
            yield f"    {name}: {{{pairs}}},\n" if pairs else ""
        yield "}\n\n# name: (restype, argtypes)\nFUNCTIONS: dict[str, tuple[Any, list[Any]]] = {\n"
        yield from map(self.function, (n for n in self.nodes if n["kind"] == "FunctionDecl"))
        yield "}\n"

    def function(self, node: dict[str, Any]) -> str:
        result = self.ctype(node["type"]["qualType"].partition("(")[0])
        types = [self.ctype(p["type"]["qualType"]) for p in inner(node, "ParmVarDecl")]
        line = f'    "{node["name"]}": ({result}, [{", ".join(types)}]),\n'
        if len(line) <= 100:
            return line
        rows = "".join(f"        {t},\n" for t in types)
        return f'    "{node["name"]}": ({result}, [\n{rows}    ]),\n'


def update(path: Path, text: str, check: bool) -> bool:
    """Bring a file up to date, or only say whether it is."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return True
    if check:
        print(f"{path} is not made from this libinspect.h; run `make gen`", file=sys.stderr)
        return False
    # In one step, since somebody may be importing or including the file.
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hash", type=Path, metavar="FILE", help="the C header with the hash")
    parser.add_argument("--python", type=Path, metavar="FILE", help="the bindings")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    args = parser.parse_args()
    header = HEADER.read_text(encoding="utf-8")
    good = True
    if args.hash:
        good &= update(args.hash, hash_header(abi_hash(header)), args.check)
    if args.python:
        good &= update(args.python, Bindings(syntax_tree()).text(header), args.check)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
