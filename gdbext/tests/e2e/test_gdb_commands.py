# SPDX-License-Identifier: MIT
"""The commands inside gdb: help, settings, completion, errors, and company of others."""

import glob
import os
import unittest

from gdbrun import SOURCE, GdbCase, answers, marked

from refscope import verb, verbs


class Loading(GdbCase):
    def test_sourcing_says_nothing_even_twice(self):
        ran = self.gdb(f"source {SOURCE}")
        self.assertEqual((ran.out, ran.err), ("", ""))

    def test_a_symbolic_link_finds_the_package(self):
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            link = os.path.join(folder, "load.py")
            os.symlink(SOURCE, link)
            ran = self.gdb(f"source {link}", "help py-heap")
            self.assertIn(verbs.BY_NAME["heap"].summary, ran.out)

    def test_nothing_is_loaded_before_a_command_asks(self):
        ran = self.gdb("show refscope", env={"REFSCOPE_LIB": "/nonexistent.so"})
        self.assertEqual(ran.err, "")


class Help(GdbCase):
    def test_help_is_the_verbs(self):
        names = list(verbs.BY_NAME)
        ran = self.gdb(*marked(*(f"help py-{name}" for name in names)))
        for name, shown in zip(names, answers(ran)):
            wanted = verb.help_text(verbs.BY_NAME[name], verb.GDB_HELP, verbs.BY_NAME)
            self.assertEqual(shown.strip(), wanted.strip())

    def test_apropos_shows_the_first_line(self):
        ran = self.gdb("apropos py-")
        for one in verbs.ALL:
            self.assertIn(f"py-{one.name} -- {one.summary}", ran.out)

    def test_settings_are_documented(self):
        ran = self.gdb("help set refscope limit", "help show refscope", "help set refscope hints")
        self.assertIn("0 shows all of them", ran.out)
        self.assertNotIn("not documented", ran.out)


class Settings(GdbCase):
    def test_what_is_set_is_shown(self):
        ran = self.gdb(
            "set refscope limit 7",
            "show refscope limit",
            "set refscope hints off",
            "show refscope hints",
            "set refscope progress off",
            "show refscope",
        )
        self.assertEqual(ran.err, "")
        self.assertIn("Lists are cut after 7 rows", ran.out)
        self.assertIn("propose what to give next: off", ran.out)
        self.assertEqual(ran.out.count("Lists are cut after"), 2)

    def test_a_setting_that_is_none(self):
        ran = self.gdb("set refscope nonsense 1")
        self.assertIn("nonsense", ran.err)

    def test_a_library_that_is_not_there_is_one_line(self):
        ran = self.gdb("set refscope library /nonexistent.so", "py-heap", program="/bin/true")
        self.assertEqual(len(ran.err.strip().splitlines()), 1)


class Completion(GdbCase):
    def complete(self, *lines):
        ran = self.gdb(*marked(*(f"complete {line}" for line in lines)))
        return [part.split("\n")[:-1] for part in answers(ran)]

    def test_options_and_their_values(self):
        options, formats, both = self.complete("py-refs --", "py-refs --format ", "py-cycles --m")
        self.assertIn("py-refs --no-native", options)
        self.assertEqual(formats, ["py-refs --format json", "py-refs --format text"])
        self.assertEqual(both, ["py-cycles --members"])

    def test_without_a_word_nothing_fails(self):
        # gdb 13 hides what a completer raises when it is asked for word breaks; gdb 16 shows it.
        ran = self.gdb("python import refscope.gdb.commands as c; print(c._matching(['--a'], '-', None))")
        self.assertEqual(ran.out, "['--a']\n")

    def test_all_commands_complete(self):
        (found,) = self.complete("py-")
        self.assertLessEqual({f"py-{name}" for name in verbs.BY_NAME}, set(found))


class Errors(GdbCase):
    def test_each_is_one_sentence(self):
        for command, words in (
            ("py-heap", "gdb has no process and no core."),
            ("py-refs", "required: EXPR (help py-refs)."),
            ("py-refs --nonsense x", "unrecognized arguments: --nonsense"),
            ("py-heap --format xml", "invalid choice"),
            ("py-heap --limit -1", "-1 is negative"),
            ("py-arenas --pins", "--pins"),
            ("print $_pyobj_type(1)", "gdb has no process and no core."),
        ):
            ran = self.gdb(command)
            self.assertIn(words, ran.err)
            self.assertEqual(len(ran.err.strip().splitlines()), 1, ran.err)
            self.assertEqual(ran.out, "")

    def test_a_process_that_is_not_python(self):
        ran = self.gdb("break main", "run", "py-heap", "kill", program="/bin/sleep")
        self.assertNotIn("objects take", ran.out)


LIBPYTHON = sorted(glob.glob("/usr/share/gdb/auto-load/usr/bin/python3*-gdb.py")) + sorted(
    glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3.1*-gdb.py"))
)


class Company(GdbCase):
    @unittest.skipUnless(LIBPYTHON, "CPython's own gdb commands are not on this machine")
    def test_commands_of_cpython_keep_working(self):
        theirs = "py-bt py-bt-full py-print py-locals py-up py-down py-list".split()
        for order in ((LIBPYTHON[-1], SOURCE), (SOURCE, LIBPYTHON[-1])):
            helps = marked(*(f"help {name}" for name in [*theirs, "py-heap"]))
            ran = self.gdb(*(f"source {path}" for path in order), *helps)
            self.assertEqual(ran.err, "")
            shown = answers(ran)
            for text in shown[:-1]:
                self.assertNotIn("Nothing is run in the process", text)
            self.assertIn("Nothing is run in the process", shown[-1])


if __name__ == "__main__":
    unittest.main()
