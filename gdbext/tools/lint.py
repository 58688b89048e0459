#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check what no general tool knows about the Python package.

Usage: lint.py PACKAGE

- Every file can be read by Python 3.9, the oldest that a gdb in use carries.
- Only gdb/ imports gdb, only session.py and what it stands on import ctypes and _abi:
  what a verb says is tested without either.
- Every module says in its first lines what it is, and carries the licence's name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 9)
C_SIDE = {"session.py", "opening.py", "writing.py", "loader.py", "records.py", "_abi.py"}
SPDX = "# SPDX-License-Identifier: MIT\n"


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports; relative ones begin with a dot."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield node.lineno, base
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def complaints(package: Path, path: Path) -> Iterator[tuple[int, str]]:
    source = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(source, str(path), feature_version=OLDEST)
    except SyntaxError as error:
        yield error.lineno or 1, f"not for Python 3.9: {error.msg}"
        return
    if not source.startswith(SPDX) and not source.startswith(("#!/", '"""')):
        yield 1, "does not begin with the licence's name"
    if not ast.get_docstring(tree):
        yield 1, "does not say what it is"
    inside = path.relative_to(package)
    for line, name in imports(tree):
        parts = name.lstrip(".").split(".")
        if name.split(".")[0] == "gdb" and inside.parts[0] != "gdb":
            yield line, "imports gdb; only gdb/ may"
        if (name.split(".")[0] == "ctypes" or "_abi" in parts) and inside.name not in C_SIDE:
            yield line, f"imports {name}; only session.py talks to the C library"


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    package = Path(sys.argv[1])
    found = [
        f"{path}:{line}: {text}"
        for path in sorted(package.rglob("*.py"))
        for line, text in complaints(package, path)
    ]
    print(*found, sep="\n", file=sys.stderr) if found else None
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
