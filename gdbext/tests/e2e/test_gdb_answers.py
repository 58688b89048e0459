# SPDX-License-Identifier: MIT
"""Answers, names and interruptions inside gdb, over a session that a test wrote down."""

import sys
import unittest
from pathlib import Path

from gdbrun import GdbCase, answers, load_json, marked

import fakes
from refscope import text, verbs
from refscope.verbs import heap, refs

INSIDE = Path(__file__).resolve().parent / "inside.py"


class Answers(GdbCase):
    def ask(self, *commands):
        # Without a program gdb takes pointers for 32 bits wide.
        wide = "set architecture i386:x86-64"
        ran = self.gdb(f"source {INSIDE}", wide, *marked(*commands))
        return answers(ran), ran

    def test_text_is_that_of_the_verb(self):
        given = fakes.arguments(expr=0x7FFBF783E340, all=False, no_native=False)
        answer = refs.ask(fakes.shop(), given)
        quiet = text.in_gdb(verbs.BY_NAME, hints=False)
        wanted = "\n".join(refs.as_text(answer, text.plain, quiet))
        (shown,), _ran = self.ask("py-refs 0x7ffbf783e340")
        self.assertEqual(shown.rstrip("\n"), wanted)

    def test_json(self):
        (shown,), _ran = self.ask("py-heap --format json")
        wanted = heap.as_json(heap.ask(fakes.shop(), fakes.arguments()))
        self.assertEqual(load_json(shown), {"schema": 1, **wanted})

    def test_hints_on_request(self):
        shown, _ran = self.ask(
            "py-refs 0x7ffbf783e340", "set refscope hints on", "py-refs 0x7ffbf783e340"
        )
        self.assertNotIn("next:", shown[0])
        self.assertIn("info symbol 0x7ffbf7ebf128", shown[2])
        self.assertIn("py-audit --type dict", shown[2])

    def test_every_way_to_name_an_object(self):
        shown, _ran = self.ask(
            "py-refs 0x7ffbf7fc8300",
            "py-refs config",
            "py-refs CONFIG",
            "py-refs (char *) 0x7ffbf7fc8300",
            "py-refs 0x7ffbf7fc8000 + 0x300",
            "set $op = 0x7ffbf7fc8300",
            "py-refs $op",
        )
        self.assertIn("dict 0x7ffbf7fc8300 has refcount 3", shown[0])
        for other in (shown[1], shown[2], shown[3], shown[4], shown[6]):
            self.assertEqual(other, shown[0])

    def test_names_that_are_none(self):
        for command, words in (
            ("py-refs cofnig", "No Python name 'cofnig' in frame serve() and no C symbol of that "),
            ("py-refs cofnig", "name. Close: config."),
            ("py-refs later", "No Python name 'later'"),
            ("py-refs 10", "'10' is no address: write 0x10."),
            ("py-refs $nothing", "$nothing is not a pointer to an object."),
            ("py-refs 0x7ffbf783e341", "it is 1 byte into dict 0x7ffbf783e340. Did you mean"),
            ("py-refs 0x10", "No memory at 0x10."),
            ("py-refs (", "A syntax error in expression"),
            ("py-cycles --through nope", "No Python name 'nope'"),
        ):
            (_shown,), ran = self.ask(command)
            self.assertIn(words, ran.err)
            self.assertEqual(len(ran.err.strip().splitlines()), 1, ran.err)

    def test_locals_complete_where_a_session_is_open(self):
        shown, _ran = self.ask("complete py-refs con", "complete py-refs --all la")
        self.assertIn("py-refs config\n", shown[0])
        self.assertEqual(shown[1], "py-refs --all later\n")

    def test_a_command_is_not_repeated(self):
        ran = self.gdb(f"source {INSIDE}", "py-heap", "")
        self.assertEqual(ran.out.count("objects take"), 1)

    def test_problems_are_said_once(self):
        problem = "python shop.problems = [_abi.Problem('truncated', 'cut short')]"
        shown, _ran = self.ask(problem, "py-gc", "py-gc")
        self.assertTrue(shown[1].startswith("core.25402: cut short.\n"))
        self.assertNotIn("cut short", shown[2])


class Interruptions(GdbCase):
    def test_ctrl_c_is_noticed_soon_and_named(self):
        ran = self.gdb(
            f"source {INSIDE}", "python interrupt_after(0.3)", "py-heap", "echo alive\\n"
        )
        self.assertIn("noticed in time: True", ran.out)
        self.assertIn("Stopped in stage references at 44 %", ran.err)
        self.assertIn("alive", ran.out)

    def test_a_fault_of_ours_is_a_sentence(self):
        fault = "python fail_with(ValueError('x' * 1000))"
        # Not self.gdb: the words it refuses are what is tested.
        from gdbrun import gdb

        ran = gdb(f"source {INSIDE}", fault, "py-heap", "set python print-stack full", "py-heap")
        first = ran.err.splitlines()[0]
        self.assertTrue(first.startswith("py-heap failed: ValueError: xxx"), first)
        self.assertIn("(a fault of refscope; `set python print-stack full` shows where).", first)
        self.assertNotIn("Traceback", first)
        self.assertIn("Traceback", ran.err)

    def test_errors_of_the_library_are_sentences(self):
        error = (
            "python from refscope.session import InspectError, Status; "
            "fail_with(InspectError(Status.ERR_REFUSED, 0, 'the proof of pools failed'))"
        )
        ran = self.gdb(f"source {INSIDE}", error, "py-heap")
        self.assertEqual(ran.err, "the proof of pools failed.\n")


if __name__ == "__main__":
    sys.exit(unittest.main())
