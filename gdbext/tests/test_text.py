# SPDX-License-Identifier: MIT
"""Numbers, tables, bills and labelled lines, as a person reads them."""

import unittest

import context
from refscope import text
from refscope.text import Span

context.find_package()


def loud(kind: str, name: str) -> str:
    return f"<{kind}:{name}>" if kind else name


class Numbers(unittest.TestCase):
    def test_numbers_have_commas(self):
        self.assertEqual(text.number(1234567), "1,234,567")
        self.assertEqual(text.signed(-1000), "-1,000")
        self.assertEqual(text.signed(0), "+0")

    def test_plurals(self):
        self.assertEqual(text.plural(1, "object"), "1 object")
        self.assertEqual(text.plural(0, "object"), "0 objects")
        self.assertEqual(text.plural(6001, "entry", "entries"), "6,001 entries")

    def test_sizes_are_cut_not_rounded(self):
        self.assertEqual(text.size(1), "1 byte")
        self.assertEqual(text.size(1023), "1,023 bytes")
        self.assertEqual(text.size(7084559), "6.7 MiB")
        self.assertEqual(text.size(17 << 20), "17.0 MiB")
        self.assertEqual(text.size((1 << 30) - 1), "1,023.9 MiB")
        self.assertEqual(text.size(5 << 40), "5.0 TiB")

    def test_a_share_is_cut_and_100_percent_means_all(self):
        self.assertEqual(text.share(398, 1000), "39.8%")
        self.assertEqual(text.share(39899, 100000), "39.8%")
        self.assertEqual(text.share(99999, 100000), "99.9%")
        self.assertEqual(text.share(7, 7), "100%")
        self.assertEqual(text.share(1, 100000), "<0.1%")
        self.assertEqual(text.share(0, 100000), "0.0%")
        self.assertEqual(text.share(96205, 96214, 2, " "), "99.99 %")
        self.assertEqual(text.share(1, 0), "-")

    def test_listings(self):
        self.assertEqual(text.listing([]), "")
        self.assertEqual(text.listing(["a"]), "a")
        self.assertEqual(text.listing(["a", "b", "c"]), "a, b and c")
        self.assertEqual(text.spans([3, 8, 9, 10, 16]), "3, 8-10 and 16")
        self.assertEqual(text.spans(list(range(0, 40, 2))), "0, 2, 4, 6, 8, 10, 12, 14, ...")


class TargetText(unittest.TestCase):
    def test_what_does_not_print_is_escaped(self):
        self.assertEqual(text.clean("a\x1b[31mb"), "a\\x1b[31mb")
        self.assertEqual(text.clean("a\u202eb\n"), "a\\u202eb\\x0a")
        self.assertEqual(text.clean("\ud800\U000e0001"), "\\ud800\\U000e0001")
        self.assertEqual(text.clean(None), "")

    def test_nothing_is_wider_than_allowed(self):
        self.assertEqual(text.shorten("abc", 3), "abc")
        self.assertEqual(text.shorten("abcdefgh", 6), "abc...")
        wide = text.shorten("\u6f22" * 40, 20)
        self.assertLessEqual(text.width(wide), 20)
        self.assertTrue(wide.endswith("..."))
        self.assertEqual(text.width("e\u0301"), 1)

    def test_a_long_escape_is_not_longer_than_allowed(self):
        self.assertLessEqual(text.width(text.shorten("\x00" * 100, 30)), 30)


class Tables(unittest.TestCase):
    def test_columns_are_aligned_and_the_last_is_not_padded(self):
        lines = text.table([["1", "a", "x"], ["100", "bb", ""]], "rll")
        self.assertEqual(lines, ["    1  a   x", "  100  bb"])

    def test_a_column_that_is_empty_in_every_row_vanishes(self):
        lines = text.table([["a", "", "c"], ["b", "", "d"]], "lll", head=("x", "y", "z"))
        self.assertEqual(lines, ["  x  z", "  a  c", "  b  d"])

    def test_a_look_does_not_move_columns(self):
        rows = [[Span("0x10", "address"), "x"], [Span("0x1000", "address"), "y"]]
        self.assertEqual(
            text.table(rows, "ll", loud), ["  <address:0x10>    x", "  <address:0x1000>  y"]
        )

    def test_wide_characters_take_two_columns(self):
        lines = text.table([["\u6f22\u6f22", "x"], ["abcd", "y"]], "ll")
        self.assertEqual(lines, ["  \u6f22\u6f22  x", "  abcd  y"])

    def test_the_line_of_a_cut_list_does_not_widen_a_column(self):
        lines = text.table([["a", "b", "c"], ["a", text.left_out(5)]], "lll")
        self.assertEqual(lines, ["  a  b  c", "  a  ... and 5 more (--limit 0 lists all)"])

    def test_no_rows_is_no_lines(self):
        self.assertEqual(text.table([], "ll", head=("a", "b")), [])

    def test_a_list_that_is_over_by_one_is_not_cut(self):
        self.assertEqual(text.cut(range(21), None)[1], 0)
        self.assertEqual(text.cut(range(22), None)[1], 2)
        self.assertEqual(text.cut(range(22), 0)[1], 0)
        self.assertEqual(text.cut(range(22), 21)[1], 1)
        self.assertEqual(text.left_out(6004), "... and 6,004 more (--limit 0 lists all)")


class Bills(unittest.TestCase):
    def test_counts_a_rule_and_the_sum(self):
        lines = text.bill(
            [(40, ("owned", "first")), (1, ("owned", "second"))], [("41", "owned")], "ll"
        )
        self.assertEqual(
            lines,
            ["  +40  owned  first", "   +1  owned  second", "  ---", "   41  owned"],
        )

    def test_a_bill_without_owners_is_a_bill(self):
        self.assertEqual(text.bill([], [("0", "owned")], "ll"), ["  --", "   0  owned"])

    def test_the_remainder_has_the_look_of_its_verdict(self):
        lines = text.bill([], [("-1", Span("remainder", "deficit"))], "l", loud)
        self.assertEqual(lines[-1], "  <deficit:-1>  <deficit:remainder>")


class Labels(unittest.TestCase):
    def spelling(self, hints: bool = True) -> text.Spelling:
        return text.in_gdb(["refs", "why"], hints)

    def test_labels_are_aligned_and_prose_hangs(self):
        notes = text.Notes(self.spelling())
        notes.add("verdict", "word " * 40)
        notes.next("refs", "0x1", why="who")
        lines = notes.lines()
        self.assertTrue(lines[0].startswith("verdict: word"))
        self.assertTrue(lines[1].startswith(" " * 9 + "word"))
        self.assertEqual(lines[-1], "next:    py-refs 0x1   who")
        self.assertTrue(all(len(line) <= text.WIDTH for line in lines))

    def test_at_most_three_commands_and_only_those_that_exist(self):
        notes = text.Notes(self.spelling())
        for name in ("audit", "refs", "why", "refs", "refs"):
            notes.next(name)
        self.assertEqual(len(notes.lines()), 3)
        self.assertNotIn("audit", "\n".join(notes.lines()))

    def test_no_hints_no_next(self):
        notes = text.Notes(self.spelling(hints=False))
        notes.next("refs")
        self.assertEqual(notes.lines(), [])

    def test_the_shell_spells_its_own_commands(self):
        spelling = text.on_command_line(["refs"], "refscope --exe x core.1")
        self.assertEqual(spelling.command("refs", "0x1"), "refscope --exe x core.1 refs 0x1")

    def test_commands_of_gdb_are_for_gdb(self):
        notes = text.Notes(text.on_command_line(["refs"], "refscope core.1"))
        notes.next_in_gdb("info symbol 0x1")
        self.assertEqual(notes.lines(), [])


if __name__ == "__main__":
    unittest.main()
