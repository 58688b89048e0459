# SPDX-License-Identifier: MIT
"""The screens of the documents still begin with the sentences that are printed, less the figures."""

import difflib
import os
import re
import subprocess
import sys
import unittest

from gdbrun import GDBEXT, core_of

sys.path.insert(0, str(GDBEXT / "tools"))

import gen_docs  # noqa: E402
from harness.target import Target  # noqa: E402


def target_is_311():
    """The screens are of 3.11; another version has other figures, other immortals, other words."""
    python = os.environ.get("REFSCOPE_TARGET_PYTHON", "/usr/bin/python3.11")
    done = subprocess.run([python, "--version"], capture_output=True, text=True, check=False)
    return "3.11." in done.stdout


def shape(text):
    """The first line of an answer that says something, without what differs between machines."""
    line = next((x for x in text.splitlines() if x.strip() and not x.startswith("#")), "")
    line = re.sub(r"0x[0-9a-f]+", "@", line)
    line = re.sub(r"\d[\d,.]*", "N", line)
    return line.split()


def alike(one, other):
    """The same sentence, give or take a word that depends on figures ("of 2", "with 83")."""
    return difflib.SequenceMatcher(None, one, other).ratio() >= 0.8


@unittest.skipUnless(target_is_311(), "needs targets of 3.11")
class Screens(unittest.TestCase):
    def hold(self, name, line, wanted, core):
        """What a command prints begins as it is shown."""
        with self.subTest(screen=name, command=line):
            said = gen_docs.answer(line, str(core))
            same = alike(shape(said), shape(wanted))
            self.assertTrue(same, f"{name} is old (`make screens`): it prints\n{said[:300]}")

    def test_the_tutorial_shows_what_is_printed(self):
        core, _facts = core_of("orders")
        page = (gen_docs.ROOT / "docs" / "tutorial.md").read_text()
        # What follows is of the program after it was mended.
        planted = page.split("\n## 7. ")[0]
        shown = re.findall(r"^```\n(\$ refscope orders\.core .*)\n((?s:.*?))^```", planted, re.M)
        self.assertGreater(len(shown), 4)
        for line, wanted in shown:
            self.hold("tutorial.md", line, wanted, core)

    def test_each_begins_as_it_did(self):
        core, _facts = core_of("orders")
        for path in sorted(gen_docs.SCREENS.glob("*.txt")):
            line, wanted = path.read_text().split("\n", 1)
            if gen_docs.is_of_core(line):
                self.hold(path.name, line, wanted, core)

    def test_those_of_a_process_begin_as_they_did(self):
        screens = [(p.name, *p.read_text().split("\n", 1)) for p in gen_docs.SCREENS.glob("*.txt")]
        of_process = [screen for screen in screens if not gen_docs.is_of_core(screen[1])]
        self.assertTrue(of_process)
        with Target("orders").live() as process:
            for name, line, wanted in of_process:
                self.hold(name, line, wanted, process.pid)


if __name__ == "__main__":
    unittest.main()
