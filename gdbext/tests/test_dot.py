# SPDX-License-Identifier: MIT
"""The picture: valid DOT whatever the target says, and the same bytes each time."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import context
import fakes
from fakes import arguments
from refscope import dot, verb
from refscope.picture import Edge, Node, Picture
from refscope.verbs import graph

context.find_package()


def node(number, **more):
    row = dict(
        number=number,
        addr=0x1000 * (number + 1),
        type="list",
        label="[]",
        refcnt=1,
        remainder=0,
        immortal=False,
        unreachable=False,
        root="",
        cycle=0,
    )
    row.update(more)
    return Node(**row)


def picture(*nodes, edges=()):
    found = Picture(nodes={n.number: n for n in nodes}, edges=list(edges))
    return found


def options(**more):
    given = dict.fromkeys(("depth", "nodes", "output"))
    given.update(dict.fromkeys(("types", "dot", "svg", "ledger"), False))
    given.update(expr=0x7FFBF7000000, **more)
    return arguments(**given)


class Dot(unittest.TestCase):
    def line(self, **more):
        drawn = dot.dot(picture(node(0), node(1, **more)), "t")
        return next(line for line in drawn.split("\n") if line.startswith("  n2000 "))

    def test_verdicts_are_doubled_by_more_than_colour(self):
        deficit = self.line(refcnt=3, remainder=-1)
        self.assertIn("refcnt 3, 4 known, -1", deficit)
        self.assertIn("peripheries=2", deficit)
        surplus = self.line(refcnt=4, remainder=2)
        self.assertIn("refcnt 4, 2 known, +2", surplus)
        self.assertIn("dashed", surplus)
        self.assertIn("immortal", self.line(immortal=True))
        self.assertIn("\\nunreachable", self.line(unreachable=True))

    def test_several_slots_share_an_edge(self):
        self.assertEqual(Edge(0, 1, ("[0]", "[1]", "[2]"), 0).label(), "[0], [1], [2]")
        self.assertEqual(Edge(0, 1, tuple("abcdefg"), 0).label(), "x7")

    def test_text_of_the_target_cannot_leave_its_quotes(self):
        evil = 'a"]; b [label="\\" x\n\\'
        drawn = dot.dot(picture(node(0, label=evil), edges=[Edge(0, 0, (evil,), 0)]), evil)
        for line in drawn.split("\n"):
            bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
            self.assertNotIn('"', bare)
            self.assertNotIn("; b", bare)

    def test_the_same_picture_gives_the_same_bytes(self):
        drawn = [graph.ask(fakes.shop(), options(dot=True)).drawn for _ in range(2)]
        self.assertEqual(drawn[0], drawn[1])

    @unittest.skipUnless(shutil.which("dot"), "Graphviz is not here")
    def test_graphviz_reads_it(self):
        for evil in ('a"b\\', "<b>x</b>", "\\N \\G", "\u6f22"):
            drawn = dot.dot(picture(node(0, label=evil), edges=[Edge(0, 0, (evil,), 2)]), evil)
            done = subprocess.run(
                ["dot", "-Tplain"], input=drawn, capture_output=True, text=True, check=False
            )
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    @unittest.skipUnless(shutil.which("dot"), "Graphviz is not here")
    def test_svg(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "x.svg"))
            answer = graph.ask(fakes.shop(), options(output=path))
            drawn = Path(path).read_text(encoding="utf-8")
            self.assertIn("<svg", drawn)
            self.assertIn("refcnt 44, all known", drawn)
            said = fakes.lines_of(graph, answer)
            self.assertEqual(
                said[0], "Drew Session 0x7ffbf7000000 and 2 objects around it to x.svg."
            )

    @unittest.skipUnless(shutil.which("dot"), "Graphviz is not here")
    def test_the_bill_stands_beside_the_subject(self):
        evil = "<B>&\"x\"</B>"
        rows = [["+1", "0x1000", "dict", "", evil], [], ["1", "owned = ob_refcnt, remainder 0"]]
        drawn = dot.dot(picture(node(0)), "t", rows)
        self.assertNotIn("<B>&", drawn)
        done = subprocess.run(
            ["dot", "-Tsvg"], input=drawn, capture_output=True, text=True, check=False
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("owned = ob_refcnt, remainder 0", done.stdout)
        answer = graph.ask(fakes.shop(), options(ledger=True, dot=True))
        self.assertIn("why the refcount of Session 0x7ffbf7000000 is 1", answer.drawn)
        self.assertEqual(graph.as_json(answer)["ledger"]["verdict"], "balanced")
        tree = fakes.lines_of(graph, graph.ask(fakes.shop(), options(ledger=True)))
        self.assertIn("   1  owned = ob_refcnt, remainder 0", tree)

    def test_a_cycle_of_which_one_member_is_drawn_has_no_frame(self):
        drawn = dot.dot(picture(node(0, cycle=1), node(1)), "t")
        self.assertNotIn("cluster", drawn)
        drawn = dot.dot(picture(node(0, cycle=1), edges=[Edge(0, 0, ("[0]",), 0)]), "t")
        self.assertIn("cycle 1: 1 object, reachable", drawn)

    def test_a_file_that_cannot_be_written_is_one_sentence(self):
        with self.assertRaisesRegex(verb.VerbError, "/nonexistent/x.dot: No such file"):
            graph.ask(fakes.shop(), options(output="/nonexistent/x.dot"))


if __name__ == "__main__":
    unittest.main()
