# SPDX-License-Identifier: MIT
"""Every verb's two answers over rows a test writes down: what is said must follow from the rows."""

import argparse
import gzip
import json
import os
import re
import tempfile
import threading
import unittest
from unittest import mock

import context
import fakes
from fakes import arguments, lines_of, shop
from refscope import _abi, stream, text, verb, verbs
from refscope.book import REF_WEAK
from refscope.verbs import (
    arenas,
    audit,
    cycles,
    export,
    find,
    garbage,
    gc,
    graph,
    heap,
    layout,
    obj,
    referents,
    referrers,
    refs,
    retained,
    snapshot,
    threads,
    what,
    why,
)

context.find_package()

CONFIG, ROW, BATCH, SESSION = 0x7FFBF7FC8300, 0x7FFBF783E340, 0x7FFBF783E380, 0x41383A0
FIRST_SESSION = 0x7FFBF7000000

# What each verb needs beside what all have.
DEFAULTS = {
    heap: {},
    obj: {"expr": CONFIG},
    refs: {"expr": CONFIG, "all": False, "no_native": False},
    referrers: {"expr": CONFIG},
    referents: {"expr": FIRST_SESSION},
    graph: {
        "expr": FIRST_SESSION,
        "depth": None,
        "nodes": None,
        "types": False,
        "dot": False,
        "svg": False,
        "ledger": False,
        "output": None,
    },
    cycles: {"members": False, "classes": False, "through": None},
    find: {
        **dict.fromkeys(("type", "gen", "refcnt", "size", "referrers", "remainder", "cols")),
        "sort": "address",
    },
    garbage: {"list": False},
    gc: {},
    audit: {"deficit": False, "all": False, "type": None, "fail_on": None, "baseline": None},
    what: {"addr": CONFIG},
    why: {"expr": CONFIG},
    retained: {"expr": None},
    arenas: {"classes": False, "pins": None},
    threads: {"locals": False},
    layout: {"fields": None, "check_traverse": False},
}


def ask(module, session, **given):
    return module.ask(session, arguments(**{**DEFAULTS.get(module, {}), **given}))


def say(module, session, **given):
    return lines_of(module, ask(module, session, **given))


def to_json(module, session, **given):
    """As a program gets it: through the text of JSON."""
    answer = ask(module, session, format="json", **given)
    return json.loads("".join(stream.value_pieces(module.as_json(answer))))


def bill_of(lines):
    """Counts above the rule, and the lines below it."""
    rule = next(i for i, line in enumerate(lines) if re.fullmatch(r"  -+", line))
    above = [
        int(line.split()[0].replace(",", "")) for line in lines[:rule] if re.match(r" +\+\d", line)
    ]
    below = []
    for line in lines[rule + 1 :]:
        if not line:
            break
        below.append(line)
    return above, below


def prose(lines):
    """Lines that were wrapped, as one."""
    return " ".join(" ".join(lines).split())


def hostile():
    """The same program, its names chosen by somebody who means harm."""
    s = shop()
    evil = "\x1b[2J\u202e" + "N" * 300
    s.types = [row._replace(name=evil, module=evil) for row in s.types]
    s.values = {addr: evil for addr in s.values}
    s.owners = {number: evil for number in s.owners}
    s.edges = [edge._replace(name=evil) for edge in s.edges]
    s.roots = {n: row._replace(name=evil, file=evil) for n, row in s.roots.items()}
    s.threads = [
        t._replace(
            frames=[
                f._replace(
                    function=evil, file=evil, locals=[x._replace(name=evil) for x in f.locals]
                )
                for f in t.frames
            ]
        )
        for t in s.threads
    ]
    s.native = {
        n: [c._replace(module=evil, section=evil, symbol=evil) for c in rows]
        for n, rows in s.native.items()
    }
    return s


def large(factor):
    """The same program with figures of another order."""
    s = arenas_of_shop()
    s.types = [
        t._replace(count=t.count * factor, size=t.size * factor, bytes=t.bytes * factor)
        for t in s.types
    ]
    s.objects = {n: row._replace(size=row.size * factor) for n, row in s.objects.items()}
    s.summary = dict.fromkeys(("mortal", "balanced", "explained"), 96214 * factor)
    s.summary["balanced"] -= 9
    rows = [g._replace(objects=g.objects * factor) for g in s.interpreters[0].generations]
    s.interpreters = [fakes.interpreter(generations=rows, gc_enabled=0, garbage=12)]
    s.replay["tracked"] = 97404 * factor
    grown = [
        a._replace(size=a.size * factor, used_bytes=a.used_bytes * factor // (1 + 40 * (i % 2)))
        for i, a in enumerate(s.arenas.rows)
    ]
    s.arenas = s.arenas._replace(rows=grown)
    return s


def empty():
    """A target in which nothing was found."""
    s = fakes.FakeSession()
    s.object(CONFIG, "", 0, value="", gc=None)
    s.object(FIRST_SESSION, "", 0, value="", gc=None)
    s.interpreters = []
    return s


class EveryVerb(unittest.TestCase):
    def check_first_line(self, lines):
        self.assertLessEqual(text.width(lines[0]), 100, lines[0])
        self.assertTrue(lines[0].endswith("."), lines[0])

    def test_line_1_stands_alone(self):
        for session in (shop(), hostile(), empty()):
            for module in DEFAULTS:
                with self.subTest(verb=module.__name__):
                    self.check_first_line(say(module, session))

    def test_a_sentence_fits_however_large_the_heap(self):
        for factor in (10**2, 10**3, 10**5):
            for module in (heap, garbage, cycles, gc, arenas, audit):
                with self.subTest(verb=module.__name__, factor=factor):
                    self.check_first_line(say(module, large(factor)))

    def test_no_control_character_reaches_a_terminal(self):
        for module in DEFAULTS:
            for line in say(module, hostile(), limit=0):
                self.assertTrue(line.isprintable(), line)

    def test_no_row_is_endless(self):
        for module in DEFAULTS:
            for line in say(module, hostile()):
                self.assertLess(text.width(line), 320, line)

    def test_json_is_json_for_any_target(self):
        for session in (shop(), hostile(), empty()):
            for module in DEFAULTS:
                self.assertIsNotNone(to_json(module, session))

    def test_looks_never_change_the_text(self):
        for module in DEFAULTS:
            answer = ask(module, shop())
            spelling = text.in_gdb(verbs.BY_NAME)
            looked = "\n".join(module.as_text(answer, text.ansi, spelling))
            bare = "\n".join(module.as_text(answer, text.plain, spelling))
            self.assertEqual(re.sub(r"\x1b\[[0-9;]*m", "", looked), bare)

    def test_the_first_address_of_a_row_is_the_object(self):
        s = shop()
        addresses = {row.addr for row in s.objects.values()} | {r.addr for r in s.roots.values()}
        for module in (refs, referrers, referents):
            for line in say(module, s)[2:]:
                found = re.search(r"0x[0-9a-f]+", line)
                if found:
                    self.assertIn(int(found.group(), 16), addresses)

    def test_hints_are_commands_that_exist(self):
        for module in DEFAULTS:
            for line in say(module, shop()):
                for name in re.findall(r"\bpy-(\w+)", line):
                    self.assertIn(name, verbs.BY_NAME)

    def test_without_hints_nothing_is_proposed(self):
        quiet = text.in_gdb(verbs.BY_NAME, hints=False)
        for module in DEFAULTS:
            lines = lines_of(module, ask(module, shop()), quiet)
            self.assertNotIn("next:", "\n".join(lines))


class Refs(unittest.TestCase):
    def check_sums(self, addr, **given):
        """owned lines = owned; owned + remainder = ob_refcnt; the same in the sentence."""
        session = shop()
        answer = ask(refs, session, expr=addr, **given)
        lines = lines_of(refs, answer)
        above, below = bill_of(lines)
        self.assertEqual(sum(above), answer.owned_total)
        figures = [int(line.split()[0].replace(",", "")) for line in below]
        if len(figures) == 1:
            self.assertEqual(figures[0], answer.refcnt)
        else:
            self.assertEqual(figures[0] + figures[1], figures[2])
            self.assertEqual(figures[2], answer.refcnt)
        self.assertIn(f"refcount {answer.refcnt} ", lines[0])
        return lines

    def test_balanced(self):
        lines = self.check_sums(CONFIG)
        self.assertEqual(
            lines[0], "dict 0x7ffbf7fc8300 has refcount 3 and all 3 references are known: balanced."
        )
        self.assertIn("   3  owned = ob_refcnt, remainder 0", lines)

    def test_many_holders_are_grouped_and_still_add_up(self):
        lines = self.check_sums(SESSION)
        self.assertIn("+40  owned  0x7ffbf7000000  Session", lines[2])
        self.assertIn("and 39 more like it", lines[2])
        self.assertIn("its type (ob_type)", lines[2])
        self.assertIn("39 of these 40 instances are unreachable.", "\n".join(lines))

    def test_limit_0_lists_every_holder(self):
        lines = self.check_sums(SESSION, limit=0)
        self.assertEqual(sum(" owned  0x" in line for line in lines), 44)

    def test_a_cut_bill_says_so_and_still_adds_up(self):
        lines = self.check_sums(SESSION, limit=2)
        self.assertIn("   +3  owned  ... and 3 more holders (--limit 0 lists all)", lines)

    def test_surplus_names_the_candidate_and_what_has_no_holder(self):
        lines = self.check_sums(ROW)
        self.assertIn("but only 2 owners: surplus of 2, held by C or leaked.", lines[0])
        self.assertIn("   1  possible  0x7ffbf7ebf128  _rowcache .bss+0x8 'last_bad_row'", lines)
        verdict = " ".join(lines)
        self.assertIn("1 of the 2 may be 'last_bad_row'; for 1 there is no holder", verdict)

    def test_a_surplus_that_is_located_is_held_by_c(self):
        s = shop()
        number = s.numbers[ROW]
        s.objects[number] = s.objects[number]._replace(located=2, unexplained=0)
        s.native[number] *= 2
        lines = say(refs, s, expr=ROW)
        self.assertTrue(lines[0].endswith("surplus of 2, held by C."), lines[0])

    def test_without_a_search_nothing_is_said_to_be_leaked(self):
        joined = "\n".join(say(refs, shop(), expr=ROW, no_native=True))
        self.assertIn("was not searched", joined)
        self.assertNotIn("it is leaked", joined)

    def test_deficit_names_foreign_extensions_only(self):
        lines = self.check_sums(BATCH)
        self.assertIn("but 4 owners: deficit of 1", lines[0])
        joined = " ".join(lines)
        self.assertIn("third of these 4", joined)
        self.assertIn("_rowcache", joined)
        self.assertNotIn("_json", joined)

    def test_a_deficit_found_by_scan_says_so(self):
        s = shop()
        kind = s.type_id("Worker")
        s.types[kind] = s.types[kind]._replace(read_by="declared members and a scan")
        self.assertIn("unsure: 1 edge came by scan", say(refs, s, expr=BATCH))

    def test_immortal(self):
        s = shop()
        s.python = fakes.python(version="3.13.0", hex=0x030D00F0)
        none = s.object(0x7F85201047A0, "NoneType", 0xFFFFFFFF, raw=(0xFFFFFFFF, 0), immortal=1)
        s.edge(s.numbers[CONFIG], none, "['db']")
        lines = say(refs, s, expr=0x7F85201047A0)
        self.assertIn("is immortal: its refcount never changes and says nothing.", lines[0])
        self.assertIn("0x00000000ffffffff", lines[2])
        found = to_json(refs, s, expr=0x7F85201047A0)
        self.assertEqual((found["verdict"], found["remainder"]), ("immortal", None))

    def test_a_static_object_of_3_11_is_not_called_immortal(self):
        s = shop()
        s.object(0xA56588, "int", 1000000232, immortal=1, value="1")
        lines = say(refs, s, expr=0xA56588)
        self.assertIn("int 0xa56588 (1) is a static object of the interpreter", lines[0])
        self.assertIn("233 above the start", lines[2])

    def test_free_threaded_counts_are_shown_in_halves(self):
        s = shop()
        s.python = fakes.python(version="3.13.5", hex=0x030D05F0, free_threaded=1)
        job = s.object(0x4908E501C90, "Job", 6, raw=(4, 9), gc="tracked")
        for i in range(6):
            s.edge(s.numbers[CONFIG], job, f"[{i}]")
        lines = say(refs, s, expr=0x4908E501C90)
        self.assertIn("has refcount 6 = 4 local + 2 shared and all 6", lines[0])
        found = to_json(refs, s, expr=0x4908E501C90)
        self.assertEqual((found["local"], found["shared"]), (4, 2))
        self.assertEqual(found["shared_state"], "maybe-weakref")

    def test_one_holder_with_many_slots_is_one_line_and_many_rows(self):
        s = shop()
        x = s.object(0x7FFBF0000000, "list", 5)
        for i in range(5):
            s.edge(s.numbers[CONFIG], x, f"[{i}]")
        self.assertIn("[0], [1] and 3 more slots", say(refs, s, expr=0x7FFBF0000000)[2])
        found = to_json(refs, s, expr=0x7FFBF0000000)
        self.assertEqual([row["count"] for row in found["owned"]], [1] * 5)

    def test_weak_references_are_listed_on_request_and_not_counted(self):
        s = shop()
        ref = s.object(0x7FFBF0000000, "weakref", 1)
        s.edge(ref, s.numbers[CONFIG], "wr_object", REF_WEAK)
        self.assertNotIn("weak ", "\n".join(say(refs, s)))
        self.assertIn("   1  weak  0x7ffbf0000000  weakref", "\n".join(say(refs, s, all=True)))
        self.assertEqual(to_json(refs, s)["owned_total"], 3)
        self.assertEqual(len(to_json(refs, s)["weak"]), 1)

    def test_json_has_the_promised_keys(self):
        found = to_json(refs, shop(), expr=ROW)
        promised = (
            "addr type refcnt immortal owned borrowed weak possible remainder unexplained verdict"
        )
        self.assertLessEqual(set(promised.split()), set(found))
        self.assertEqual(found["verdict"], "surplus")
        self.assertEqual(found["searched"]["modules"], 41)
        frame = found["owned"][1]["root"]
        self.assertEqual(
            (frame["kind"], frame["function"], frame["file"], frame["line"]),
            ("frame", "serve", "/srv/orders.py", 34),
        )
        owned = sum(row["count"] for row in found["owned"])
        self.assertEqual(owned + found["remainder"], found["refcnt"])


class Why(unittest.TestCase):
    def test_a_frame_holds_it(self):
        lines = say(why, shop())
        self.assertEqual(
            lines[0],
            "dict 0x7ffbf7fc8300 is alive because frame serve() at orders.py:34 holds it: "
            "local 'config'.",
        )
        self.assertEqual(lines[2], "  frame serve() at orders.py:34")
        self.assertEqual(lines[3], "  local 'config'  0x7ffbf7fc8300  dict  refcount 3, generation 2")
        self.assertIn("It goes when all its owners let go: ['CONFIG']", prose(lines))

    def test_a_module_is_named_where_its_globals_are_on_the_way(self):
        s = shop()
        s.owners[s.numbers[0x7FFBF8137540]] = "globals of shop"
        root = s.root("interpreter", "sys.modules", 0xA64858)
        s.edges = [edge for edge in s.edges if s.roots.get(edge.src) is None]
        s.edge(root, s.numbers[0x7FFBF8137540], "['shop']")
        lines = say(why, s)
        self.assertEqual(
            lines[0], "dict 0x7ffbf7fc8300 is alive because module shop keeps it: ['CONFIG']."
        )
        self.assertIn("dict  globals of shop", lines[3])

    def test_garbage_has_no_way_and_a_fate(self):
        lines = say(why, shop(), expr=FIRST_SESSION)
        self.assertEqual(
            lines[0],
            "Session 0x7ffbf7000000 is unreachable: a cycle of 2 objects that only the collector "
            "can free.",
        )
        self.assertIn("generation 0: collected when its count passes 700", prose(lines))
        found = to_json(why, shop(), expr=FIRST_SESSION)
        self.assertEqual((found["verdict"], found["path"], found["cycle"]), ("garbage", [], 2))

    def test_a_leak_is_held_by_nobody(self):
        s = shop()
        s.object(0x7FFBF0000000, "list", 1, remainder=1, unexplained=1)
        self.assertEqual(
            say(why, s, expr=0x7FFBF0000000)[0],
            "list 0x7ffbf0000000 is alive only by 1 reference nobody owns: held by C, or leaked.",
        )

    def test_what_a_leak_keeps_names_the_leak(self):
        s = shop()
        leak = s.object(0x7FFBF0000000, "list", 1, remainder=1, unexplained=1)
        s.edge(leak, s.object(0x7FFBF0000040, "dict", 1), "[0]")
        lines = say(why, s, expr=0x7FFBF0000040)
        self.assertEqual(
            lines[0],
            "dict 0x7ffbf0000040 is alive only because list 0x7ffbf0000000 has 1 reference nobody "
            "owns: held by C, or leaked.",
        )
        self.assertIn("  [0]  0x7ffbf0000040  dict  refcount 1, generation 2", lines)
        self.assertIn("py-refs 0x7ffbf0000000", prose(lines))

    def test_a_count_that_is_off_is_said(self):
        surplus, deficit = say(why, shop(), expr=ROW), say(why, shop(), expr=BATCH)
        self.assertIn("2 references that nobody owns will still hold it", prose(surplus))
        self.assertIn("It is over-released", prose(deficit))

    def test_what_lives_for_ever_needs_no_way(self):
        s = shop()
        s.object(0x9497E0, "dict", 1, immortal=1)
        self.assertEqual(
            say(why, s, expr=0x9497E0)[0],
            "dict 0x9497e0 is immortal: it lives as long as its interpreter.",
        )

    def test_no_way_at_all_is_said(self):
        s = shop()
        s.object(0x7FFBF0000000, "list", 0)
        lines = say(why, s, expr=0x7FFBF0000000)
        self.assertEqual(lines[0], "No way leads to list 0x7ffbf0000000: no owner, refcount 0.")


class Retained(unittest.TestCase):
    def shelf(self):
        """A list of three that nobody else owns, and of a fourth that a frame owns as well."""
        s = shop()
        shelf, kept = s.object(0x7FFBF0000000, "list", 1), s.object(0x7FFBF0000400, "int", 2, gc=None)
        frame = next(iter(s.roots))
        s.edge(frame, shelf, "local 'shelf'")
        s.edge(frame, kept, "local 'kept'")
        for i in range(3):
            s.edge(shelf, s.object(0x7FFBF0000040 + 0x40 * i, "int", 1, gc=None), f"[{i}]")
        s.edge(shelf, kept, "[3]")
        return s

    def test_what_would_go_adds_up(self):
        s = self.shelf()
        lines = say(retained, s, expr=0x7FFBF0000000)
        total = sum(s.objects[s.numbers[0x7FFBF0000000 + 0x40 * i]].bytes for i in range(4))
        self.assertEqual(
            lines[0],
            f"If list 0x7ffbf0000000 went, 3 more objects would go with it: {total} bytes in all.",
        )
        rule = next(i for i, line in enumerate(lines) if re.fullmatch(r"  -+", line))
        self.assertEqual(sum(int(line.split()[0]) for line in lines[2:rule]), total)
        self.assertEqual(lines[rule + 1].split(), [str(total), "in", "4", "objects"])
        self.assertIn("[3] (int) has another owner.", prose(lines))

    def test_a_cut_sum_still_adds_up(self):
        lines = say(retained, self.shelf(), expr=0x7FFBF0000000, limit=1)
        rule = next(i for i, line in enumerate(lines) if re.fullmatch(r"  -+", line))
        total = int(lines[rule + 1].split()[0])
        self.assertEqual(sum(int(line.split()[0]) for line in lines[2:rule]), total)
        self.assertIn("... and 2 more (--limit 0 lists all)", prose(lines))

    def test_the_list_says_who_holds_each(self):
        s = self.shelf()
        s.owners[s.numbers[0x7FFBF0000000]] = "shelf of frame serve()"
        lines = say(retained, s, limit=1)
        self.assertIn("list 0x7ffbf0000000, shelf of frame serve(), alone keeps", lines[0])
        self.assertIn("  ... and more (--limit 0 lists all)", lines)

    def test_garbage_retains_nothing(self):
        lines = say(retained, shop(), expr=FIRST_SESSION)
        self.assertEqual(lines[0], "Session 0x7ffbf7000000 is garbage: nothing alive keeps it.")
        self.assertIn("py-garbage", prose(lines))


class Heap(unittest.TestCase):
    def test_rows_sum_up_with_and_without_a_cut(self):
        for limit in (None, 0, 2):
            lines = say(heap, shop(), limit=limit)
            rule = next(i for i, line in enumerate(lines) if line.startswith("  ----"))
            rows = [line.split() for line in lines[3:rule]]
            total = lines[rule + 1].split()
            for column in (0, 1):
                got = sum(int(row[column].replace(",", "")) for row in rows)
                self.assertEqual(f"{got:,}", total[column])
            self.assertIn(f"{total[0]} objects take {total[1]} bytes", lines[0])

    def test_json(self):
        found = to_json(heap, shop())
        self.assertEqual(found["objects"], sum(row["count"] for row in found["types"]))
        self.assertEqual(found["bytes"], sum(row["bytes"] for row in found["types"]))


class Links(unittest.TestCase):
    def test_objects_and_roots_are_counted_apart(self):
        first = say(referrers, shop())[0]
        self.assertEqual(
            first, "2 objects and 1 root refer to dict 0x7ffbf7fc8300; each owns a reference."
        )

    def test_nothing_found_says_where_was_looked(self):
        lines = say(referrers, shop(), expr=0x7FFBF7E54840)
        self.assertEqual(
            lines[0],
            "Nothing refers to dict 0x7ffbf7e54840: no object, frame or interpreter slot.",
        )
        self.assertIn("searched: 92 objects", "\n".join(lines))

    def test_two_slots_of_one_holder_are_two_lines_and_one_object(self):
        s = shop()
        x = s.object(0x7FFBF0000000, "list", 2)
        s.edge(s.numbers[CONFIG], x, "['a']")
        s.edge(s.numbers[CONFIG], x, "['b']")
        lines = say(referrers, s, expr=0x7FFBF0000000)
        self.assertIn("1 object refers to list 0x7ffbf0000000 in 2 places", lines[0])
        self.assertEqual(sum("owned" in line for line in lines[1:]), 2)

    def test_a_weak_reference_is_not_said_to_own(self):
        s = shop()
        ref = s.object(0x7FFBF0000000, "weakref", 1)
        s.edge(ref, s.numbers[CONFIG], "wr_object", REF_WEAK)
        self.assertIn("3 owned and 1 weak.", say(referrers, s)[0])

    def test_an_object_that_refers_to_nothing(self):
        self.assertEqual(
            say(referents, shop(), expr=CONFIG)[0], "dict 0x7ffbf7fc8300 refers to nothing."
        )

    def test_a_cut_list_counts_what_it_leaves_out(self):
        lines = say(referrers, shop(), expr=SESSION, limit=4)
        self.assertIn("  ... and 40 more (--limit 0 lists all)", lines)
        self.assertEqual(len(to_json(referrers, shop(), expr=SESSION)["referrers"]), 44)


class Obj(unittest.TestCase):
    def test_words_and_items(self):
        s = shop()
        s.words[FIRST_SESSION] = [
            _abi.Word(-16, 0x7FFBF7FC8530, "_gc_next", "list 0x7ffbf7fc8540"),
            _abi.Word(-8, 0x7FFBF7E57E70, "_gc_prev", ""),
            _abi.Word(0, 1, "ob_refcnt", ""),
            _abi.Word(8, SESSION, "ob_type", "Session"),
        ]
        lines = say(obj, s, expr=FIRST_SESSION)
        joined = "\n".join(lines)
        self.assertIn("an instance of __main__.Session, refcount 1, 56 bytes, generation 0", joined)
        self.assertRegex(joined, r"\+0  ob_refcnt  1 +known: balanced")
        self.assertRegex(joined, r"\+8  ob_type    0x41383a0")
        self.assertIn("56 = 24 (tp_basicsize) + 16 (gc head) + 16 (items and tables)", joined)
        self.assertRegex(joined, r"\.cart +0x7ffbf7000070  dict")

    def test_of_an_object_looked_at_alone_no_owners_are_counted(self):
        s = shop()
        s.reached = 1
        s.words[FIRST_SESSION] = [_abi.Word(0, 1, "ob_refcnt", "")]
        joined = "\n".join(say(obj, s, expr=FIRST_SESSION))
        self.assertNotIn("known", joined)
        self.assertIn("owners: not counted", joined)
        self.assertIsNone(to_json(obj, s, expr=FIRST_SESSION)["remainder"])

    def test_a_size_that_does_not_add_up_is_not_taken_apart(self):
        s = shop()
        s.object(0x7FFBF0000000, "str", 1, size=54, value="'sku-8'")
        s.types[-1] = s.types[-1]._replace(basicsize=80)
        self.assertIn("size:   54, as sys", "\n".join(say(obj, s, expr=0x7FFBF0000000)))


class Cycles(unittest.TestCase):
    def test_like_cycles_are_one_row_and_the_sentence_counts_them(self):
        lines = say(cycles, shop())
        self.assertIn("39 cycles of 2 objects are unreachable", lines[0])
        self.assertIn("(9,360 bytes in all)", lines[0])
        self.assertRegex(
            lines[3],
            r"39 +2 +240  unreachable  Session \.cart -> dict \['session'\] -> Session",
        )
        self.assertIn("40 components with 80 of", "\n".join(lines))

    def test_the_reason_is_the_collectors_own_count(self):
        joined = " ".join(line.strip() for line in say(cycles, shop()))
        self.assertIn("it is 174, so after 527 more container allocations than frees", joined)

    def test_a_disabled_collector_is_the_reason(self):
        s = shop()
        s.interpreters = [fakes.interpreter(gc_enabled=0)]
        joined = " ".join(line.strip() for line in say(cycles, s))
        self.assertIn("gc is disabled: it stays until gc.enable()", joined)
        verdicts = {row["verdict"] for row in to_json(cycles, s) if not row["reachable"]}
        self.assertEqual(len(verdicts), 1)

    def test_a_cycle_that_only_a_leak_holds(self):
        s = shop()
        a = s.object(0x7FFBF0000000, "list", 3, remainder=1, unexplained=1)
        b = s.object(0x7FFBF0000100, "list", 1)
        s.edge(a, b, "[0]")
        s.edge(b, a, "[0]")
        s.components.append(([a, b], 1, 0))
        verdict = to_json(cycles, s)[-1]["verdict"]
        self.assertIn("held from outside by C, or leaked: 1 reference that nobody owns", verdict)

    def test_the_program_itself_is_one_row_without_a_ring(self):
        s = shop()
        s.components.append(([s.numbers[CONFIG], s.numbers[SESSION]], 1, 1))
        joined = "\n".join(say(cycles, s))
        self.assertIn("the program itself", joined)

    def test_json_has_members_and_the_edges_among_them(self):
        rows = to_json(cycles, shop())
        self.assertEqual(len(rows), 40)
        for row in rows:
            self.assertEqual(row["size"], len(row["members"]))
            self.assertEqual({e["name"] for e in row["edges"]}, {".cart", "['session']"})
            for edge in row["edges"]:
                self.assertIn(edge["src"], row["members"])
                self.assertIn(edge["dst"], row["members"])

    def test_find_counts_all_and_shows_some(self):
        lines = say(find, shop(), type="Sess*", limit=3)
        self.assertRegex(lines[0], r"^40 objects match \(.*\): type Sess\*\.$")
        self.assertEqual(len([line for line in lines if "Session  " in line]), 3)
        self.assertIn("  ... and 37 more (--limit 0 lists all)", lines)
        rows = to_json(find, shop(), type="Sess*", limit=3)
        self.assertEqual((rows["count"], rows["left_out"], len(rows["objects"])), (40, 37, 3))

    def test_find_knows_what_is_close_and_which_columns_there_are(self):
        self.assertEqual(say(find, shop(), type="Sessjon")[1], "No type has that name. Close: Session.")
        lines = say(find, shop(), remainder="deficit", cols="refcnt,remainder,type")
        self.assertEqual(lines[2].split(), ["address", "refcnt", "remainder", "type"])
        self.assertEqual(lines[3].split()[2:], ["-1", "list"])
        with self.assertRaisesRegex(verb.UsageError, "there is no column 'colour'"):
            say(find, shop(), cols="colour")

    def test_candidates_of_one_section_are_one_line(self):
        s = shop()
        row = next(iter(s.native))
        first = s.native[row][0]
        s.native[row] += [first._replace(addr=first.addr + 8 * i, symbol="") for i in range(1, 200)]
        lines = say(refs, s, expr=s.objects[row].addr)
        rows = [line for line in lines if "  possible  " in line]
        self.assertEqual(len(rows), 1)
        self.assertRegex(rows[0], r"^ +200  possible  .* and 199 more words of \.bss$")
        rows = [x for x in say(refs, s, expr=s.objects[row].addr, limit=0) if "  possible  " in x]
        self.assertEqual(len(rows), 200)

    def test_json_is_whole_however_its_pieces_are_cut(self):
        s = shop()
        a = s.numbers[FIRST_SESSION]
        s.edges[:] = [
            e._replace(name="['\u20ac\n\U0001f600']") if e.src == a else e for e in s.edges
        ]
        names = {e["name"] for row in to_json(cycles, s) for e in row["edges"]}
        self.assertIn("['\u20ac\n\U0001f600']", names)

    def test_json_that_was_cut_says_so(self):
        s = shop()
        whole = to_json(cycles, s, limit=0)
        with mock.patch.object(cycles, "JSON_COMPONENTS", 7):
            answer = ask(cycles, s, format="json")
        self.assertTrue(cycles.VERB.partial(answer))
        self.assertEqual(
            cycles.VERB.left_out(answer), "33 components left out; --limit 0 lists all."
        )
        self.assertEqual(to_json(cycles, s, limit=7), whole[:7])
        asked_for = ask(cycles, s, format="json", limit=7)
        self.assertFalse(cycles.VERB.partial(asked_for))

    def test_rings_through_one_object(self):
        s = shop()
        a, b = s.numbers[FIRST_SESSION], s.numbers[FIRST_SESSION + 0x70]
        s.rings = [[e for e in s.edges if (e.src, e.dst) in ((a, b), (b, a))]]
        lines = say(cycles, s, through=FIRST_SESSION)
        self.assertIn(
            "1 shortest cycle goes through Session 0x7ffbf7000000, of 2 objects", lines[0]
        )
        self.assertIn(
            "Session 0x7ffbf7000000 .cart -> dict 0x7ffbf7000070 ['session'] -> Session", lines[2]
        )

    def test_no_ring(self):
        lines = say(cycles, shop(), through=CONFIG)
        self.assertTrue(lines[0].startswith("No cycle goes through dict 0x7ffbf7fc8300"))

    def test_no_cycle(self):
        self.assertIn("No cycle was found", say(cycles, empty())[0])


class Garbage(unittest.TestCase):
    def test_the_sum_is_the_sentence(self):
        lines = say(garbage, shop())
        self.assertEqual(
            lines[0],
            "A full collection would free 78 objects (9,360 bytes) in 39 cycles; "
            "nothing is uncollectable.",
        )
        total = next(lines[i + 1] for i, line in enumerate(lines) if "------" in line).split()
        self.assertEqual(total[:3], ["78", "0", "9,360"])

    def test_finalizers_run_first(self):
        s = shop()
        s.replay["finalizers"] = s.replay["unreachable"][:1]
        s.replay["may_resurrect"] = s.replay["unreachable"][:2]
        joined = "\n".join(say(garbage, s))
        self.assertIn("at most 2 objects come back", joined)
        self.assertEqual(len(to_json(garbage, s)["may_resurrect"]), 2)

    def test_below_zero_warns(self):
        s = shop()
        s.replay["below_zero"] = [s.numbers[BATCH]]
        self.assertIn(
            "1 count went below zero, first list 0x7ffbf783e380", "\n".join(say(garbage, s))
        )

    def test_list(self):
        lines = say(garbage, shop(), list=True, limit=3)
        self.assertEqual(sum(bool(re.match(r"  0x", line)) for line in lines), 3)
        self.assertIn("  ... and 75 more (--limit 0 lists all)", lines)

    def test_nothing(self):
        s = shop()
        s.replay = {}
        self.assertIn("would free nothing", say(garbage, s)[0])


class Audit(unittest.TestCase):
    def session(self):
        s = shop()
        s.summary = {"mortal": 92, "balanced": 90, "explained": 90}
        return s

    def test_deficits_come_first_and_the_sentence_counts(self):
        lines = say(audit, self.session())
        self.assertEqual(
            lines[0],
            "1 object is over-released, 1 leaks or is held by C; "
            "90 of 92 counts balance (97.82 %).",
        )
        heads = [line.split()[0] for line in lines if re.match("[A-Z]{4}", line)]
        self.assertEqual(heads, ["DEFICIT", "SURPLUS"])
        joined = "\n".join(lines)
        self.assertIn("    -1  0x7ffbf783e380  list  refcnt 3  owners 4  ['a-1', 'a-2']", joined)
        self.assertIn("+2  0x7ffbf783e340  dict  refcnt 4  owners 2  candidates 1", joined)
        self.assertIn("list -1 (1), dict +2 (1)", joined)

    def test_broken_rules_stand_between_deficits_and_surpluses(self):
        s = self.session()
        s.findings = [_abi.Finding("gc-list", "gen0: it breaks off", 0x7FFBF783E380)]
        lines = say(audit, s)
        self.assertTrue(lines[0].startswith("1 rule of a sound heap is broken, "), lines[0])
        heads = [line.split()[0] for line in lines if re.match("[A-Z]{4}", line)]
        self.assertEqual(heads, ["DEFICIT", "BROKEN", "SURPLUS"])
        self.assertIn("    gc-list: gen0: it breaks off", lines)
        (row,) = to_json(audit, s)["broken"]
        self.assertEqual((row["rule"], row["addr"]), ("gc-list", "0x7ffbf783e380"))
        limits = audit.fail_on("broken")
        self.assertTrue(audit.fails(ask(audit, s, fail_on=limits)))
        s.findings = []
        self.assertFalse(audit.fails(ask(audit, s, fail_on=limits)))

    def test_places_are_told_where_tracemalloc_traces(self):
        s = self.session()
        lines = [_abi.Line("/srv/shop/row.py", 12), _abi.Line("/srv/shop/main.py", 40)]
        s.allocations[ROW] = _abi.Allocation(232, lines, 3)
        self.assertNotIn("row.py", "".join(say(audit, s)))
        s.python = s.python._replace(tracemalloc=1)
        said = "\n".join(say(audit, s))
        self.assertIn("candidates 1  row.py:12  {'id'", said)
        self.assertIn("by place: elsewhere -1 (1), row.py:12 +2 (1)", said)
        (row,) = to_json(audit, s)["surplus"]
        self.assertEqual(row["allocated"]["frames"][1], {"file": "/srv/shop/main.py", "line": 40})
        self.assertEqual((row["allocated"]["size"], row["allocated"]["left_out"]), (232, 3))
        said = " ".join("\n".join(say(obj, s, expr=ROW)).split())
        wanted = "allocated: 232 bytes at /srv/shop/row.py:12, called at /srv/shop/main.py:40, and 3 more frames"
        self.assertIn(wanted, said)

    def test_what_c_holds_is_counted_and_listed_on_request(self):
        s = self.session()
        n = s.numbers[ROW]
        s.objects[n] = s.objects[n]._replace(located=2, unexplained=0)
        self.assertIn("held by C, most likely (1; --all lists them)", "\n".join(say(audit, s)))
        self.assertEqual(to_json(audit, s)["surplus"], [])
        self.assertEqual(len(to_json(audit, s, all=True)["surplus"]), 1)

    def test_fail_on(self):
        for words, fails in (
            ("deficit", True),
            ("surplus", True),
            ("surplus:1", False),
            ("freed", False),
            ("surplus:9,deficit", True),
            ("any:1", False),
            ("any", True),
        ):
            wanted = audit.fail_on(words)
            self.assertEqual(audit.fails(ask(audit, self.session(), fail_on=wanted)), fails, words)
        self.assertFalse(audit.fails(ask(audit, self.session(), fail_on=None)))
        for words in ("leak", "", "surplus:", "surplus:x", "any,"):
            with self.assertRaises(argparse.ArgumentTypeError, msg=words):
                audit.fail_on(words)
        self.assertFalse(audit.fails(ask(audit, empty(), fail_on=audit.fail_on("any"))))

    def test_baseline(self):
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "base.json")

            def since(rows):
                with open(file, "w", encoding="utf-8") as out:
                    json.dump(rows, out)
                return to_json(audit, self.session(), baseline=audit.baseline(file))

            before = to_json(audit, self.session())
            self.assertEqual((since(before)["surplus"], since(before)["deficit"]), ([], []))
            nothing = {"surplus": [], "deficit": []}
            self.assertEqual(since(nothing)["deficit"], before["deficit"])
            # Another address of a type of which there is no more than before has merely moved.
            moved = [{**row, "addr": "0x10"} for row in before["surplus"]]
            self.assertEqual(since({**before, "surplus": moved})["surplus"], [])
            for text_of_file in ("", "[]", "{}", '{"surplus": [{}], "deficit": []}'):
                with open(file, "w", encoding="utf-8") as out:
                    out.write(text_of_file)
                with self.assertRaises(argparse.ArgumentTypeError, msg=text_of_file):
                    audit.baseline(file)
        with self.assertRaises(argparse.ArgumentTypeError):
            audit.baseline(file)

    def test_one_type(self):
        found = to_json(audit, self.session(), type="dict")
        self.assertEqual((len(found["surplus"]), found["deficit"]), (1, []))

    def test_a_clean_heap(self):
        self.assertTrue(say(audit, empty())[0].startswith("No deficit and no leak: "))


class Gc(unittest.TestCase):
    def test_the_outlook_of_three_generations(self):
        lines = say(gc, shop())
        self.assertIn("38,844 objects are tracked, none frozen, gc.garbage is empty.", lines[0])
        joined = "\n".join(lines)
        self.assertIn("generation 0  after 527 more container allocations", joined)
        self.assertIn("at the earliest after 8,238 such allocations", joined)
        self.assertIn("only once 9,677 objects have survived", joined)

    def test_in_38_all_interpreters_have_one_collector(self):
        s = shop()
        s.python = fakes.python(version="3.8.18", hex=0x030812F0)
        other = s.interpreters[0]._replace(id=1, generations=[])
        s.interpreters = [s.interpreters[0], other]
        self.assertIn(
            "Interpreter 1: CPython 3.8 has one collector for all: the above.", say(gc, s)
        )

    def test_variants_of_line_1(self):
        for changes, words in (
            ({"gc_enabled": 0}, "is disabled (gc.disable())"),
            ({"gc_collecting": 1}, "was running when the process stopped"),
            ({"garbage": 3}, "gc.garbage holds 3"),
            ({"generations": [fakes.generation("gen0", 5, 1, 0, 0, 0, 0)]}, "threshold 0 is 0"),
        ):
            s = shop()
            s.interpreters = [fakes.interpreter(**changes)]
            self.assertIn(words, say(gc, s)[0])

    def test_frozen_objects_are_not_tracked_ones(self):
        s = shop()
        rows = [fakes.generation("gen0", 5, 1, 700, 0, 0, 0), fakes.generation("frozen", 38711)]
        s.interpreters = [fakes.interpreter(generations=rows)]
        lines = say(gc, s)
        self.assertIn("5 objects are tracked, 38,711 frozen", lines[0])
        self.assertEqual(to_json(gc, s)["interpreters"][0]["frozen"], 38711)

    def test_what_a_collector_does_not_have_is_null(self):
        s = shop()
        s.interpreters = [fakes.interpreter(generations=[fakes.generation("tracked", 9)])]
        found = to_json(gc, s)["interpreters"][0]["generations"][0]
        self.assertEqual((found["objects"], found["threshold"], found["count"]), (9, None, None))

    def test_json_has_the_promised_keys(self):
        found = to_json(gc, shop())["interpreters"][0]
        promised = {"id", "enabled", "collecting", "frozen", "garbage", "generations"}
        self.assertLessEqual(promised, set(found))
        self.assertEqual(found["generations"][1]["collections"], 15)


def arena(addr, pools, interp=0):
    rows = [
        _abi.Pool(addr + i * 16384, size, 16000 // size if size else 0, used, state)
        for i, (size, used, state) in enumerate(pools)
    ]
    return _abi.ArenaRow(
        addr,
        1 << 20,
        interp,
        len(rows),
        sum(1 for row in rows if row.state),
        sum(row.used for row in rows),
        sum(row.used * row.block_size for row in rows),
        rows,
    )


def arenas_of_shop():
    s = shop()
    full = arena(FIRST_SESSION, [(16, 1000, 0)] * 64)
    mixed = arena(
        0x7FFBF9000000,
        [(32, 500, 0), (32, 300, 0), (32, 100, 0), (32, 1, 0), (0, 0, 1), (0, 0, 2)]
        + [(0, 0, 1)] * 57,
    )
    s.arenas = _abi.Arenas(
        [full, mixed], [_abi.SizeClass(0, 16, 64, 64000, 0), _abi.SizeClass(0, 32, 4, 901, 1099)]
    )
    return s


class Arenas(unittest.TestCase):
    def test_the_map_has_one_character_a_pool(self):
        lines = say(arenas, arenas_of_shop())
        strips = re.findall(r"\|([#+:._~]+)\|", "\n".join(lines))
        self.assertEqual(strips[0], "#" * 64)
        self.assertEqual(strips[1], "#+:._~" + "_" * 57)

    def test_the_parts_sum_up_to_what_is_held(self):
        lines = say(arenas, arenas_of_shop())
        at = next(i for i, line in enumerate(lines) if line.startswith("  ="))
        parts = [
            int(n.replace(",", ""))
            for n in re.findall(r"\S+(?=   |$)", "   ".join(lines[at - 2 : at]))
        ]
        self.assertEqual(f"  = {sum(parts):,} bytes", lines[at])
        self.assertEqual(sum(parts), 2 << 20)

    def test_an_arena_kept_by_few_blocks_is_named(self):
        lines = say(arenas, arenas_of_shop())
        self.assertIn("1 arena is kept by 901 blocks.", lines[0])
        self.assertIn("fragmentation: arena 1 (1.0 MiB) holds 28,832 bytes", "\n".join(lines))

    def test_an_arena_that_is_new_is_not_called_fragmented(self):
        s = shop()
        s.arenas = _abi.Arenas([arena(FIRST_SESSION, [(16, 900, 0)] + [(0, 0, 2)] * 63)], [])
        self.assertIn("none is kept by a few blocks only.", say(arenas, s)[0])

    def test_classes_worst_first(self):
        lines = say(arenas, arenas_of_shop(), classes=True)
        self.assertEqual(lines[3].split()[0], "32")

    def test_pins_lists_the_objects_of_one_arena(self):
        lines = say(arenas, arenas_of_shop(), pins=0, limit=2)
        self.assertIn("Arena 0 at 0x7ffbf7000000 is kept by 64,000 blocks; 80 objects", lines[0])
        self.assertIn("  ... and 78 more (--limit 0 lists all)", lines)
        with self.assertRaises(verb.VerbError):
            ask(arenas, arenas_of_shop(), pins=2)

    def test_no_pymalloc(self):
        s = shop()
        s.python = fakes.python(allocator="malloc")
        self.assertIn("does not use pymalloc (PYTHONMALLOC=malloc)", say(arenas, s)[0])

    def test_json_has_the_promised_keys(self):
        found = to_json(arenas, arenas_of_shop())
        self.assertEqual(found["allocator"], "pymalloc")
        row = found["interpreters"][0]
        self.assertEqual(row["used_blocks"], 64901)
        self.assertEqual(
            row["size_classes"][0], {"size": 16, "pools": 64, "used": 64000, "free": 0}
        )
        self.assertLessEqual(
            {"addr", "pools", "free_pools", "used_blocks", "used_bytes"}, set(row["arenas"][0])
        )


class Threads(unittest.TestCase):
    def test_frames_and_locals(self):
        lines = say(threads, shop(), locals=True)
        self.assertEqual(lines[0], "1 Python thread with 1 frame; thread 25402 holds the GIL.")
        joined = "\n".join(lines)
        self.assertIn("#0  0x7ffbf84a9090  serve()  at orders.py:34", joined)
        self.assertRegex(joined, r"config  0x7ffbf7fc8300  \{'currency'")
        self.assertRegex(joined, r"later +unbound")

    def test_the_gil(self):
        for holds, words in ((0, "none holds the GIL"), (-1, "cannot be told")):
            s = shop()
            s.threads = [s.threads[0]._replace(holds_gil=holds)]
            self.assertIn(words, say(threads, s)[0])
        s.python = fakes.python(free_threaded=1)
        self.assertIn("there is no GIL", say(threads, s)[0])

    def test_json(self):
        found = to_json(threads, shop())["threads"][0]
        self.assertEqual(found["frames"][0]["locals"][0]["addr"], "0x7ffbf7fc8300")
        self.assertIsNone(found["frames"][0]["locals"][1]["addr"])


class Layout(unittest.TestCase):
    def session(self, *results):
        s = shop()
        s.proofs = [
            _abi.Proof(f"Py{i}", "table 3.11", "a is b", "arenas, what" if r == 1 else "", r)
            for i, r in enumerate(results)
        ]
        s.fields = [_abi.FieldRow("PyObject", "ob_type", "table 3.11", 8)]
        return s

    def test_all_proved(self):
        s = self.session(0, 0)
        self.assertIn("every layout is proved; all verbs are available.", say(layout, s)[0])
        self.assertFalse(layout.VERB.partial(ask(layout, s)))

    def test_a_failed_proof_names_the_verbs_that_refuse(self):
        s = self.session(0, 1, 2)
        lines = say(layout, s)
        self.assertIn("2 of 3 layouts are proved; arenas, what refuse.", lines[0])
        self.assertIn("FAILED", "\n".join(lines))
        self.assertIn("repaired", "\n".join(lines))
        self.assertTrue(layout.VERB.partial(ask(layout, s)))

    def test_decoders_that_agree_and_one_that_does_not(self):
        s = self.session(0)
        s.decoders = [_abi.DecoderRow(0, 7, 0, 0, 0, 0, 0), _abi.DecoderRow(1, 900, 0, 1, 0, 0, 0)]
        lines = say(layout, s, check_traverse=True)
        self.assertEqual(
            lines[0],
            "Every decoder says what tp_traverse visits: 907 objects of 2 types were compared, 1 not followed.",
        )
        self.assertFalse(layout.VERB.fails(ask(layout, s, check_traverse=True)))
        s.decoders[1] = _abi.DecoderRow(1, 900, 3, 0, CONFIG, 2, 1)
        lines = say(layout, s, check_traverse=True)
        self.assertEqual(lines[0], "1 decoder of 2 differs from tp_traverse: dict.")
        self.assertRegex(lines[3], r"dict +900 +3 +0x7ffbf7fc8300  2 missing, 1 too many")
        self.assertTrue(layout.VERB.fails(ask(layout, s, check_traverse=True)))
        self.assertEqual(to_json(layout, s, check_traverse=True)["traverse"][0]["missing"], 2)

    def test_fields(self):
        lines = say(layout, self.session(0), fields="PyObject")
        self.assertIn("PyObject is read by 1 field", lines[0])
        self.assertRegex(lines[3], r"\+8  ob_type")
        with self.assertRaisesRegex(verb.VerbError, "Close: PyObject"):
            ask(layout, self.session(0), fields="pyobjekt")


class Graph(unittest.TestCase):
    def test_the_sentence_counts_what_is_drawn(self):
        lines = say(graph, shop())
        self.assertEqual(lines[0], "Session 0x7ffbf7000000 and 2 objects around it, 1 cycle.")
        joined = "\n".join(lines)
        self.assertEqual(len(set(re.findall(r"0x[0-9a-f]+", joined))), 3)
        self.assertIn("(back to Session 0x7ffbf7000000: cycle 1)", joined)
        self.assertIn("(not followed: --types follows)", joined)
        self.assertIn("`-- 0x7ffbf7000070 dict ['session']  (cycle 1)", joined)

    def test_a_limit_of_nodes_counts_what_it_leaves_out(self):
        s = shop()
        for i in range(50):
            s.edge(s.numbers[CONFIG], s.object(0x7FFBF0000000 + 0x100 * i, "str", 1), f"['{i}']")
        lines = say(graph, s, expr=CONFIG, nodes=11)
        self.assertIn("... 40 more objects (--nodes N draws more)", "\n".join(lines))
        self.assertEqual(len(to_json(graph, s, expr=CONFIG, nodes=11)["nodes"]), 11)

    def test_depth_0_draws_what_refers_to_it_only(self):
        lines = say(graph, shop(), depth=0)
        self.assertNotIn(".cart", "\n".join(lines))


class Export(unittest.TestCase):
    def write(self, path):
        s = shop()
        s.exported = [b"one\n", b"two\n"]
        return ask(export, s, output=path, format="jsonl")

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def test_a_pipe_or_a_device_stays_what_it_is(self):
        path = os.path.join(self.folder, "pipe")
        os.mkfifo(path)
        end = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, end)
        self.assertEqual(self.write(path).written, 8)
        self.assertEqual(os.read(end, 100), b"one\ntwo\n")
        self.assertEqual(os.listdir(self.folder), ["pipe"])

    def test_a_link_stays_a_link(self):
        file, link = (os.path.join(self.folder, name) for name in ("file", "link"))
        os.symlink(file, link)
        self.write(link)
        self.assertTrue(os.path.islink(link))
        with open(file, "rb") as found:
            self.assertEqual(found.read(), b"one\ntwo\n")

    def test_what_cannot_be_written_whole_is_not_there(self):
        path = os.path.join(self.folder, "file")
        s = shop()
        s.export = lambda write, kind, tick: (write(b"half"), 1 // 0)
        with self.assertRaises(ZeroDivisionError):
            ask(export, s, output=path, format="jsonl")
        self.assertEqual(os.listdir(self.folder), [])


class Snapshot(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name

    def session(self, source="process"):
        s = shop()
        s.target = s.target._replace(source=source, path="core.1", pid=77, pause_ns=35_040_000)
        return s

    def test_the_file_has_every_byte_and_zeros_are_holes(self):
        for name, read in (("core", open), ("core.gz", gzip.open)):
            path = os.path.join(self.folder, name)
            lines = say(snapshot, self.session(), file=path)
            self.assertIn("Wrote a core of process 77 to " + name, lines[0])
            self.assertIn("35.0 ms", lines[1])
            with read(path, "rb") as found:
                self.assertEqual(found.read(), b"head" + bytes(8192) + b"tail" + bytes(3 << 20))
        core = os.stat(os.path.join(self.folder, "core"))
        self.assertLess(core.st_blocks * 512, 1 << 20)
        self.assertIn("packed", lines[0])

    def test_a_pipe_gets_the_zeros_too(self):
        path = os.path.join(self.folder, "pipe")
        os.mkfifo(path)
        got = []

        def drain():
            with open(path, "rb") as pipe:
                got.append(pipe.read())

        reader = threading.Thread(target=drain, daemon=True)
        reader.start()
        answer = ask(snapshot, self.session(), file=path)
        reader.join(10)
        self.assertEqual(len(got[0]), answer.memory)

    def test_only_a_process_can_be_kept(self):
        for source, words in (("core", "It is a core file already: core.1."),
                              ("caller", "generate-core-file FILE")):
            with self.assertRaisesRegex(verb.VerbError, words):
                ask(snapshot, self.session(source), file=os.path.join(self.folder, "x"))
        self.assertEqual(os.listdir(self.folder), [])


class Usage(unittest.TestCase):
    def test_an_expression_of_several_words_is_one(self):
        args = verb.parse(refs.VERB, ["--all", "(PyObject", "*)", "op"])
        self.assertEqual(args.expr, "(PyObject *) op")
        self.assertTrue(args.all)

    def test_wrong_words_are_refused_in_a_sentence(self):
        for module, words in (
            (refs, []),
            (refs, ["--limit", "x", "a"]),
            (refs, ["--limit", "-1", "a"]),
            (heap, ["--nonsense"]),
            (heap, ["--format", "xml"]),
            (arenas, ["--pins"]),
        ):
            with self.assertRaises(verb.UsageError) as caught:
                verb.parse(module.VERB, words)
            self.assertNotIn("\n", str(caught.exception))

    def test_an_option_is_not_guessed_from_its_beginning(self):
        with self.assertRaises(verb.UsageError):
            verb.parse(refs.VERB, ["--no-nat", "x"])

    def test_unknown_verbs_have_close_ones(self):
        with self.assertRaisesRegex(verb.UsageError, "Close: .*heap"):
            verbs.named("haep")


class Help(unittest.TestCase):
    def test_the_form_gdb_asks_for(self):
        for one in verbs.ALL:
            for spelling in (verb.GDB_HELP, verb.SHELL_HELP):
                lines = verb.help_text(one, spelling, verbs.BY_NAME).split("\n")
                self.assertLessEqual(len(lines[0]), 80)
                self.assertTrue(lines[0].endswith("."))
                self.assertEqual(lines[1], "")
                self.assertTrue(lines[2].startswith("Usage: "))
                self.assertTrue(lines[-1])
                for line in lines:
                    self.assertLessEqual(len(line), 80, line)

    def test_every_example_parses(self):
        for one in verbs.ALL:
            self.assertTrue(one.examples, one.name)
            for example in one.examples:
                words = example.split()
                self.assertEqual(words[0], one.name)
                verb.parse(one, words[1:])

    def test_see_also_names_only_what_exists(self):
        for one in verbs.ALL:
            shown = verb.help_text(one, verb.GDB_HELP, verbs.BY_NAME)
            for name in re.findall(r"py-(\w+)", shown.split("See also")[-1]):
                self.assertIn(name, verbs.BY_NAME)


if __name__ == "__main__":
    unittest.main()
