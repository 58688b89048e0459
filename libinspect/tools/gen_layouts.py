# SPDX-License-Identifier: MIT
"""Write the offsets of one CPython build, from its DWARF, as a table of cpython/layout_tables.inc.

Runs inside gdb, which reads the DWARF:

    gdb -nx -batch -ex 'py NAME, FROM, TO = "3.11", "0x030b0000", "0x030bffff"' \\
        -x libinspect/tools/gen_layouts.py libpython3.11.so > table

NAME is what `layout` prints; FROM and TO are the range of PY_VERSION_HEX the table is for. What is
looked up stands in src/cpython/fields.def; see there.
"""
import os
import re

import gdb

FIELDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../src/cpython/fields.def")
ROW = re.compile(r'^(STRUCT|SIZE|F[XZ]?)\((\w+)(?:, (?:"([^"]*)"|(\w+)(?:, "([^"]*)")?))?\)')


def find_type(names):
    """The first of several spellings that the DWARF knows, complete; or None."""
    for name in names.split("|"):
        try:
            found = gdb.lookup_type(name).strip_typedefs()
        except gdb.error:
            continue
        if found.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) and found.fields():
            return found
    return None


def member(struct, name):
    """(type, byte offset) of a direct member, also through anonymous structs; or None."""
    for field in struct.fields():
        if not hasattr(field, "bitpos"):
            continue
        if field.name == name:
            return field.type.strip_typedefs(), field.bitpos // 8
        inner = field.type.strip_typedefs()
        if not field.name and inner.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
            found = member(inner, name)
            if found:
                return found[0], found[1] + field.bitpos // 8
    return None


def resolve(struct, paths):
    """(byte offset, type) of the first dotted path that exists; path[3] goes into an array. Or None."""
    for path in paths.split("|"):
        total, here = 0, struct
        for part in re.findall(r"\w+|\[\d+\]", path):
            if part.startswith("["):
                here = here.target().strip_typedefs()
                total += int(part[1:-1]) * here.sizeof
                continue
            found = member(here, part) if here.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) else None
            if not found:
                break
            here, total = found[0], total + found[1]
        else:
            return total, here
    return None


def rows():
    """Yield (field, offset) for every row of fields.def."""
    types = {}
    with open(FIELDS, encoding="utf-8") as lines:
        for line in lines:
            match = ROW.match(line)
            if not match:
                continue
            kind, struct, text, name, path = match.groups()
            if kind == "STRUCT":
                types[struct] = find_type(text)
            elif kind == "SIZE":
                yield f"{struct}, sizeof", types[struct].sizeof if types[struct] else -1
            else:
                found = resolve(types[struct], path or name) if types[struct] else None
                what = found[1].sizeof if found and kind == "FZ" else found[0] if found else -1
                yield f"{struct}, {name}", what


print(f'{{"{NAME}", {FROM}, {TO}, {{')
for field, value in rows():
    print(f"    AT({field}, {value})")
print("}},")
