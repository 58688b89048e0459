# SPDX-License-Identifier: MIT
"""Offsets of a free-threaded build that is not here, from the headers of the ordinary build of its version.

Most structures stand in CPython's internal headers: these are compiled with Py_GIL_DISABLED, and their DWARF is
read like a build's. The others are private to a source file. There the ordinary build's offsets are taken, moved by
what the object's head has grown. For 3.13 that is, offset by offset, what the DWARF of a free-threaded build says
(test_header_layouts.py).
"""
import subprocess
import tempfile
from pathlib import Path

GROWN = 16  # bytes by which PyObject_HEAD and PyObject_VAR_HEAD are larger
HEAD = 16
# The private structures that are no objects.
PLAIN = {"deque_block", "odictnode", "PyCodeObjectExtra", "tracemalloc_trace"}


def include_of(binary, version):
    """The folder of a build's headers, or None."""
    found = Path(binary).parents[1] / "include" / ("python" + ".".join(version.split(".")[:2]))
    return found if (found / "internal" / "pycore_runtime.h").exists() else None


def _compile(flags, includes, output):
    source = '#include "Python.h"\n' + "".join('#include "internal/%s"\n' % name for name in includes)
    done = subprocess.run(["gcc", *flags, "-x", "c", "-", *output], input=source, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


def compile_headers(include, output):
    """An object file with the DWARF of all internal headers that can be compiled together."""
    folders = (include, include.parent, include / "internal", include / "internal" / "mimalloc")
    flags = ["-std=gnu11", "-g", "-w", "-fno-eliminate-unused-debug-types", "-DPy_BUILD_CORE=1",
             "-DPy_GIL_DISABLED=1", *("-I%s" % folder for folder in folders)]
    names = sorted(path.name for path in (include / "internal").glob("pycore_*.h"))
    taken = []
    for name in [*names, "mimalloc/mimalloc/types.h"]:
        if _compile(flags, [*taken, name], ["-fsyntax-only"]):
            taken.append(name)
    if not _compile(flags, taken, ["-c", "-o", str(output)]):
        raise SystemExit("gen-layouts: the headers in %s cannot be compiled" % include)


def offsets(include, read, ordinary):
    """{(structure, field): offset}; `read` gives that of a file with DWARF, `ordinary` is the build with the GIL."""
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch) / "headers.o"
        compile_headers(include, output)
        found = read(str(output))
    told = {structure for (structure, _), offset in found.items() if offset >= 0}
    moved = {key: _moved(key, offset) for key, offset in ordinary.items()
             if offset >= 0 and key[0] not in told}
    return {**found, **moved}


def _moved(key, offset):
    structure, field = key
    inside_head = offset < HEAD and field != "sizeof"
    return offset if structure in PLAIN or inside_head else offset + GROWN
