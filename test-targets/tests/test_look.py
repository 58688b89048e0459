# SPDX-License-Identifier: MIT
"""An object looked at alone is what it is when the whole heap was read."""
import argparse
import os
import sys
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent / "gdbext"))

from harness import build  # noqa: E402
from harness.endtoend import require_refscope  # noqa: E402
from harness.target import Target  # noqa: E402
from refscope import asking  # noqa: E402
from refscope.book import REF_POSSIBLE  # noqa: E402
from refscope.session import InspectError, Session, Stage  # noqa: E402
from refscope.verbs import obj  # noqa: E402

PYTHONS = [build.DEFAULT_PYTHON] + [
    p for p in os.environ.get("REFSCOPE_TEST_PYTHONS", "").split(":") if p]


def interns(edges):
    """Whether they are those of a dict, large as that of the interned strings, of keys to themselves."""
    keys = sorted(edge[1] for edge in edges if edge[0].startswith("key "))
    values = sorted(edge[1] for edge in edges if edge[0].startswith("["))
    return len(keys) > 1000 and keys == values


def described(session, row):
    """What both ways say of an object, but for numbers, type ids, generation and remainder."""
    types = session.type_list()
    held = row.gc not in (None, "untracked")
    edges = [(edge.name, edge.dst_addr, edge.kind, edge.visited)
             for edge in session.referents(row.number) if edge.kind != REF_POSSIBLE]
    words = [(word.offset, word.value, word.field, word.note)
             for word in session.object_words(row.addr)]
    # Whose the keys of a shared table are takes all objects.
    shared = any(word[2] == "ma_values" and word[1] for word in words)
    if shared:
        edges = [edge for edge in edges if not edge[0].startswith("key ")]
    # And so does which dict interns strings, before 3.12: it owns neither its keys nor its values.
    if interns(edges):
        edges = [(name, dst, None, visited) for name, dst, _kind, visited in edges]
    return (types[row.type].name, row.type_addr, row.refcnt, row.immortal, row.size,
            None if shared else row.bytes, row.block, row.block_size, row.is_gc, row.is_static,
            held, edges, words)


class Look(unittest.TestCase):
    maxDiff = 4000

    def test_every_object_alone_is_the_object_of_the_whole(self):
        require_refscope()
        for path in PYTHONS:
            for name in ("shared", "crash"):
                with self.subTest(python=path, program=name):
                    core = str(Target(name, path).core)
                    with Session.open_core(core) as alone, Session.open_core(core) as whole:
                        whole.need(Stage.REFERENCES)
                        for addr in self.objects(whole):
                            told = described(alone, alone.object_look(addr))
                            known = described(whole, whole.object_at(addr))
                            self.assertEqual(told[:-1], known[:-1])
                            self.compare_words(alone, told[-1], known[-1])

    def test_obj_says_the_same_of_an_object_alone(self):
        require_refscope()
        words = [option.dest for option in obj.VERB.all_options()]
        args = argparse.Namespace(**dict.fromkeys(words), expr=0)
        for path in PYTHONS:
            core = str(Target("shared", path).core)
            with mock.patch.object(asking, "LARGE", 0), self.subTest(python=path), \
                    Session.open_core(core) as alone, Session.open_core(core) as whole:
                whole.need(Stage.REFERENCES)
                alone.need(Stage.RUNTIME)
                for args.expr in self.objects(whole)[::5]:
                    self.assertTrue(asking.is_seen_alone(alone, args.expr))
                    told, known = obj.ask(alone, args), obj.ask(whole, args)
                    self.assertEqual(told.items_left_out, known.items_left_out)
                    self.assertEqual([item.name for item in told.items],
                                     [item.name for item in known.items])
                    self.assertIsNone(told.remainder)
                    self.assertEqual(told.value, known.value)
                self.assertEqual(alone.reached, Stage.RUNTIME)

    def compare_words(self, alone, told, known):
        """A static object that nobody owns is none of the whole heap's; alone it is seen."""
        for mine, theirs in zip(told, known):
            if mine != theirs:
                self.assertEqual(mine[:3], theirs[:3])
                self.assertTrue(alone.object_look(mine[1]).is_static, (mine, theirs))
        self.assertEqual(len(told), len(known))

    def objects(self, whole):
        """Every seventh; all would take minutes, and types repeat."""
        numbers = list(whole.objects_between(0, (1 << 64) - 1))
        self.assertGreater(len(numbers), 1000)
        return list(whole.object_columns(numbers[::7])[0])

    def test_where_none_is_none_is_seen(self):
        require_refscope()
        core = str(Target("shared").core)
        with Session.open_core(core) as alone, Session.open_core(core) as whole:
            whole.need(Stage.REFERENCES)
            objects = set(whole.object_columns(list(whole.objects_between(0, (1 << 64) - 1)))[0])
            for addr in sorted(objects)[::40]:
                for other in range(addr + 8, addr + 200, 8):
                    if other in objects:
                        continue
                    try:
                        seen = alone.object_look(other)
                    except InspectError:
                        continue
                    self.assertTrue(seen.is_static, hex(other))


if __name__ == "__main__":
    unittest.main()
