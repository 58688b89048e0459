# SPDX-License-Identifier: MIT
"""Layouts that are made of headers, or fitted to another machine, are those of the build."""
import importlib.machinery
import importlib.util
import json
import platform
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parent.parent / "libinspect" / "tools"
sys.path[:0] = [str(HERE.parent), str(TOOLS)]

import header_layouts  # noqa: E402
from harness import interpreters, refscope  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402


def gen_layouts():
    """The script of that name as a module."""
    loader = importlib.machinery.SourceFileLoader("gen_layouts_script", str(TOOLS / "gen-layouts"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class HeaderLayouts(unittest.TestCase):
    def test_what_headers_say_is_what_the_build_says(self):
        builds = [row for row in interpreters.known() if isinstance(row, interpreters.Found) and row.debug]
        free = next((b for b in builds if b.kind == "free-threaded"), None)
        ordinary = [b for b in builds if b.kind == "release" and free and b.name.split("-")[0] == free.name.split("t-")[0]]
        if not free or not ordinary:
            self.skipTest("no free-threaded build is here beside an ordinary one: make interpreters")
        include = Path(free.binary).parents[1] / "include" / ("python" + free.name.split("-")[0])
        read = gen_layouts().offsets_of
        told = header_layouts.offsets(include, read, read(ordinary[-1].debug))
        built = read(free.debug)
        self.assertGreater(len(built), 500)
        self.assertEqual({k: v for k, v in told.items() if v >= 0}, {k: v for k, v in built.items() if v >= 0})


class OtherMachines(unittest.TestCase):
    def check(self, row, structure):
        built = {name: at for (of, name), at in gen_layouts().offsets_of(row.debug).items() if of == structure and at >= 0}
        core = Target("bare", row.path).core
        answer = json.loads(refscope.call("--format", "json", core, "layout", "--fields", structure).out)
        told = {field["field"]: field["offset"] for field in answer["fields"]}
        told["sizeof"] = told.pop("<sizeof>", None)
        self.assertGreater(len(built), 3)
        self.assertEqual({name: told.get(name) for name in built}, built)

    def test_what_a_core_is_read_by_is_what_the_build_of_its_machine_says(self):
        require_refscope()
        builds = [row for row in interpreters.known() if isinstance(row, interpreters.Found) and row.debug
                  and row.machine != platform.machine()]
        if not builds:
            self.skipTest("no interpreter of another machine is here: make interpreters")
        for row in builds:
            for structure in ("PyInterpreterState", "PyRuntimeState", "PyThreadState", "PyDictObject"):
                with self.subTest(interpreter=row.name, structure=structure):
                    self.check(row, structure)


if __name__ == "__main__":
    unittest.main()
