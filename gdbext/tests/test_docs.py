# SPDX-License-Identifier: MIT
"""What the documents say of the commands is what the commands say of themselves."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import context
from refscope import cli, verb, verbs

context.find_package()

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def generator():
    """gdbext/tools/gen_docs.py, which is a program and not of the package."""
    path = ROOT / "gdbext" / "tools" / "gen_docs.py"
    spec = importlib.util.spec_from_file_location("gen_docs", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(page):
    """The lines of each block of code without a language."""
    inside, lines = None, []
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            if inside == "```":
                yield lines
            inside, lines = (line, []) if inside is None else (None, [])
        else:
            lines.append(line)


def shown_commands(page):
    """What a page types: `$ refscope ...`, `(gdb) py-...`, in blocks of code."""
    for block in blocks(page):
        for line in block:
            found = re.match(r"(?:\$|\(gdb\)) ((?:\S*/)?(?:refscope|py-[a-z]+)\b.*)", line)
            if found:
                yield shlex.split(found[1].split(" | ")[0].split("   #")[0])


class Commands(unittest.TestCase):
    def test_commands_md_is_what_the_verbs_say(self):
        text = (ROOT / "docs" / "commands.md").read_text()
        self.assertEqual(text, generator().commands(), "run `make docs`")

    def test_every_verb_has_a_screen_of_its_own(self):
        for one in [*verbs.BY_NAME, "run"]:
            with self.subTest(verb=one):
                screens = generator().screens_of(one)
                self.assertTrue(screens, f"docs/screens/{one}.txt is missing")
                for path in screens:
                    first, answer = path.read_text().split("\n", 1)
                    self.assertIn(one, shlex.split(first))
                    self.assertTrue(answer.strip(), f"{path.name} is empty: make screens")

    def test_every_verb_and_option_is_in_the_document(self):
        text = (ROOT / "docs" / "commands.md").read_text()
        for one in verbs.ALL:
            section = text.split(f"\n## {one.name}\n", 1)[1].split("\n## ", 1)[0]
            for option in one.all_options():
                self.assertIn(option.flag if not option.short else option.short, section)
                if option.flag != "--format":
                    self.assertIn(option.heading(), section)


class Pages(unittest.TestCase):
    def setUp(self):
        """A folder with the files that the pages' commands read."""
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(scratch.name)
        Path("before.json").write_text('{"surplus": [], "deficit": []}')

    def test_what_pages_type_can_be_typed(self):
        for page in PAGES:
            for words in shown_commands(page):
                with self.subTest(page=page.name, words=words):
                    if words[0].startswith("py-"):
                        verb.parse(verbs.named(words[0][3:]), words[1:])
                        continue
                    request = cli.parse(words[1 : words.index(">") if ">" in words else None])
                    if request.name == "run":
                        jobs = cli._run_jobs(request.words)
                    else:
                        jobs = [(request.name, request.words)] if request.name else []
                    for name, rest in jobs:
                        verb.parse(verbs.named(name), [w for w in rest if w != "--help"])

    def test_the_pages_type_something(self):
        typed = {words[0] for page in PAGES for words in shown_commands(page)}
        self.assertLessEqual({"refscope", "build/bin/refscope", "py-refs"}, typed)

    def test_links_lead_somewhere(self):
        for page in PAGES:
            for link in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text()):
                with self.subTest(page=page.name, link=link):
                    self.assertTrue((page.parent / link).exists())


class Rooms(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "docs" / "architecture.md").read_text()

    def test_every_folder_and_module_is_told_of(self):
        rooms = [p.name for p in (ROOT / "libinspect" / "src").iterdir() if any(p.glob("*.c"))]
        package = ROOT / "gdbext" / "refscope"
        rooms += [p.name for p in package.glob("*.py") if p.name != "__init__.py"]
        rooms += [p.parent.name + "/" for p in package.glob("*/__init__.py")]
        for room in rooms:
            with self.subTest(room=room):
                self.assertIn(f"`{room}`", self.text)

    def test_what_it_points_to_is_there(self):
        for path in re.findall(r"`([a-z_-]+/[\w./*-]+)`", self.text):
            base = ROOT / "libinspect" / "src"
            with self.subTest(path=path):
                found = [p for top in (ROOT, base, ROOT / "gdbext") for p in top.glob(path.rstrip("/"))]
                self.assertTrue(found)


class Manual(unittest.TestCase):
    def setUp(self):
        self.page = generator().man()

    def test_every_verb_and_option_is_there(self):
        plain = self.page.replace("\\-", "-")
        for one in verbs.ALL:
            section = plain.split(f"\n.SS {one.name}\n", 1)[1].split("\n.SS ", 1)[0]
            for option in one.all_options():
                self.assertIn(f".B {option.heading()}\n", section)

    def test_general_options_and_statuses_are_there(self):
        plain = self.page.replace("\\-", "-")
        for option in cli._parser()._actions:
            for flag in option.option_strings:
                if flag not in ("-h", "--version", "--help"):
                    self.assertIn(f".B {flag}", plain)
        self.assertIn(".SH EXIT STATUS", plain)

    @unittest.skipUnless(shutil.which("groff"), "groff is not on this machine")
    def test_groff_has_nothing_to_say(self):
        with tempfile.NamedTemporaryFile("w", suffix=".1") as file:
            file.write(self.page)
            file.flush()
            ran = subprocess.run(
                ["groff", "-man", "-ww", "-Tascii", "-z", file.name],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
