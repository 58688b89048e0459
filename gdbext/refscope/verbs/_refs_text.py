# SPDX-License-Identifier: MIT
"""The bill of one object as lines; what it says is in verbs/refs.py."""

from typing import Dict, List, Optional, Sequence, Tuple

from .. import text
from ..bill import (
    GROUP_FROM,
    SHARED_STATES,
    Answer,
    Candidate,
    Line,
    Searched,
    candidate_groups,
    halves,
)
from ..book import called, hexa

Sum = Tuple[str, text.Cell]

CANDIDATES = 8
"""Words of C memory that are listed: most of many are stale."""


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """The bill, the candidates, the verdict."""
    if answer.immortal:
        return _immortal(answer, style, spelling)
    lines = [_sentence(answer, style), ""]
    lines.extend(bill_lines(answer, style))
    lines.extend(_free_threaded(answer))
    if answer.show_all:
        lines.extend(_uncounted(answer, style))
    if answer.remainder > 0:
        lines.extend(_possible(answer, style))
    lines.extend(_unsure(answer))
    return lines + [""] + _notes(answer, style, spelling)


def subject(answer: Answer, style: text.Style, columns: int) -> str:
    """`dict 0x7f...`, with the name of a type, module or function."""
    return called(answer.type, answer.addr, answer.name, style, columns)


def _sentence(answer: Answer, style: text.Style) -> str:
    said = _said(answer, style)
    count = _count_words(answer)
    return text.fit(
        lambda columns: f"{subject(answer, style, columns)} has refcount {count} {said}."
    )


def _said(answer: Answer, style: text.Style) -> str:
    """What of the count is known, and the verdict."""
    owners = answer.owned_total
    if answer.remainder == 0:
        known = f"all {text.number(owners)} references are known"
        if owners < 2:
            known = "its one reference is known" if owners else "no owner"
        return f"and {known}: {style('balanced', 'balanced')}"
    if answer.remainder > 0:
        known = f"only {text.plural(owners, 'owner')}" if owners else "no known owner"
        word = style("surplus", f"surplus of {text.number(answer.remainder)}")
        held = "held by C" if answer.searched and not answer.unexplained else "held by C or leaked"
        return f"but {known}: {word}, {held}"
    word = style("deficit", f"deficit of {text.number(-answer.remainder)}")
    return f"but {text.plural(owners, 'owner')}: {word}, it will be freed while still in use"


def _count_words(answer: Answer) -> str:
    if not answer.free_threaded:
        return text.number(answer.refcnt)
    local, shared, _state = halves(answer)
    words = (
        f"{text.number(answer.refcnt)} = {text.number(local)} local + {text.number(shared)} shared"
    )
    rest = answer.refcnt - local - shared
    return (
        words
        if rest == 0
        else f"{words} {'+' if rest > 0 else '-'} {text.number(abs(rest))} kept apart"
    )


def bill_lines(answer: Answer, style: text.Style) -> List[str]:
    rows, sums = bill_of(answer)
    return text.bill(rows, sums, "llllll", style)


def bill_of(answer: Answer) -> Tuple[List[Tuple[int, Sequence[text.Cell]]], List[Sum]]:
    """The rows of the bill, and what stands below the rule."""
    rows = _bill_rows(answer.owned, "owned", answer.limit)
    total = text.number(answer.owned_total)
    known = _total_words(answer)
    if answer.remainder == 0:
        sums: List[Sum] = [(total, f"owned = {known}, remainder 0")]
    else:
        kind, what = _remainder_words(answer)
        sums = [
            (total, "owned"),
            (text.signed(answer.remainder), text.Span(f"remainder: {what}", kind)),
            (text.number(answer.refcnt), f"= {known}"),
        ]
    return rows, sums


def _total_words(answer: Answer) -> str:
    if not answer.free_threaded:
        return "ob_refcnt"
    local, shared, state = halves(answer)
    word = (shared << 2) | state
    known = (
        f"ob_ref_local {text.number(local)} + "
        f"(ob_ref_shared {text.number(word)} >> 2 = {text.number(shared)})"
    )
    rest = answer.refcnt - local - shared
    if rest:
        known += (
            f" {'+' if rest > 0 else '-'} {text.number(abs(rest))} (deferred and per-thread counts)"
        )
    return known


def _remainder_words(answer: Answer) -> Tuple[str, str]:
    if answer.remainder > 0:
        if answer.searched and not answer.unexplained:
            more = "more" if len(answer.possible) > answer.remainder else "as many"
            return "surplus", f"{more} words of C memory point here"
        return "surplus", "not owned by any object"
    missing = -answer.remainder
    return (
        "deficit",
        "one DECREF too many" if missing == 1 else f"{text.number(missing)} DECREFs too many",
    )


def _bill_rows(
    lines: List[Line], word: str, limit: Optional[int]
) -> List[Tuple[int, Sequence[text.Cell]]]:
    rows: List[Tuple[int, Sequence[text.Cell]]] = []
    groups = [[line] for line in lines] if limit == 0 else _grouped(lines)
    shown, rest = text.cut(groups, limit)
    for group in shown:
        first = group[0]
        count = sum(line.count for line in group)
        more = len(group) - 1
        path = f"and {text.number(more)} more like it" if more else first.holder.path
        rows.append(
            (
                count,
                (
                    word,
                    text.address(first.holder.addr),
                    text.shorten(first.holder.type, 32),
                    text.shorten(path),
                    _slots(first.names),
                ),
            )
        )
    if rest:
        hidden = sum(line.count for group in groups[len(shown) :] for line in group)
        holders = sum(len(group) for group in groups[len(shown) :])
        rows.append((hidden, (word, text.left_out(holders, "holders"))))
    return rows


def _grouped(lines: List[Line]) -> List[List[Line]]:
    """Holders of the same type and slot together, where there are enough of them."""
    alike: Dict[Tuple[str, Tuple[str, ...]], List[Line]] = {}
    for line in lines:
        if line.holder.root is None:
            alike.setdefault((line.holder.type, line.names), []).append(line)
    groups, seen = [], set()
    for line in lines:
        key = (line.holder.type, line.names)
        group = alike.get(key, []) if line.holder.root is None else []
        if len(group) < GROUP_FROM:
            groups.append([line])
        elif key not in seen:
            seen.add(key)
            groups.append(group)
    groups.sort(key=lambda group: -sum(line.count for line in group))
    return groups


def _slots(names: Sequence[str]) -> str:
    if list(names) == ["ob_type"]:
        return "its type (ob_type)"
    if len(names) > 1 and len(set(names)) == 1:
        return f"{text.shorten(names[0], 32)} ({text.number(len(names))} slots)"
    if len(names) <= 3:
        return text.shorten(", ".join(names), 48)
    return text.shorten(f"{names[0]}, {names[1]} and {text.number(len(names) - 2)} more slots", 48)


def _free_threaded(answer: Answer) -> List[str]:
    if not answer.free_threaded:
        return []
    _local, _shared, state = halves(answer)
    return ["", f"  ob_ref_shared state {state} of 0..3: {SHARED_STATES[state]}"]


def _uncounted(answer: Answer, style: text.Style) -> List[str]:
    lines = ["", "not counted in ob_refcnt:"]
    rows: List[List[text.Cell]] = []
    for word, found in (("borrowed", answer.borrowed), ("weak", answer.weak)):
        for line in text.cut(found, answer.limit)[0]:
            rows.append(
                [
                    text.number(line.count),
                    word,
                    text.address(line.holder.addr),
                    line.holder.type,
                    text.shorten(line.holder.path),
                    _slots(line.names),
                ]
            )
        rest = text.cut(found, answer.limit)[1]
        if rest:
            rows.append(["", word, text.left_out(rest, "holders")])
    found = text.table(rows, "rlllll", style, indent=3)
    return lines + (found or ["   no borrowed or weak reference"])


def _possible(answer: Answer, style: text.Style) -> List[str]:
    if answer.searched is None:
        return ["", "C memory was not searched for candidates (--no-native)."]
    lines = []
    if answer.possible:
        lines += [
            "",
            "candidates in C memory (a word that points here; it may own a reference or be stale):",
        ]
        few = CANDIDATES if answer.limit is None else answer.limit
        one_by_one = [[row] for row in answer.possible]
        groups = one_by_one if answer.limit == 0 else candidate_groups(answer.possible)
        shown, rest = text.cut(groups, few)
        rows: List[List[text.Cell]] = [
            [
                text.number(len(group)),
                "possible",
                text.address(group[0].addr),
                group[0].place() if len(group) == 1 else _words_of(group),
            ]
            for group in shown
        ]
        lines.extend(text.table(rows, "rlll", style, indent=3))
        if rest:
            words = sum(len(group) for group in groups[len(shown) :])
            lines.append(f"   {text.left_out(words)}")
    else:
        lines += ["", "no word of C memory points here."]
    return lines + text.wrap(f"searched: {searched_words(answer.searched)}", 3)


def _words_of(group: Sequence[Candidate]) -> str:
    """`python3.11 .data+0x13808 and 153 more words of .data`."""
    more = text.number(len(group) - 1)
    first = group[0]
    return f"{first.place()} and {more} more" + (f" words of {first.section}" if first.section else "")


def searched_words(searched: Searched) -> str:
    """Where candidates were looked for, and what could not be read."""
    words = (
        f"writable data of {text.plural(searched.modules, 'module')}, "
        f"{text.plural(searched.threads, 'thread stack')} and registers, "
        f"{text.plural(searched.malloc_blocks, 'malloc block')}"
    )
    if searched.unreadable:
        words += f"; {text.number(searched.unreadable)} bytes of these could not be read"
    return words


def _unsure(answer: Answer) -> List[str]:
    scanned = sum(line.count for line in answer.owned if line.scanned)
    if answer.remainder >= 0 or not scanned:
        return []
    came = text.verb_form(scanned, "came", "came")
    return [
        "",
        "decoded by: declared members and a scan (type without a layout)",
        f"unsure: {text.plural(scanned, 'edge')} {came} by scan",
    ]


def _notes(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    notes = text.Notes(spelling, style)
    addr = hexa(answer.addr)
    if answer.remainder > 0:
        notes.add("verdict", _surplus_verdict(answer))
    elif answer.remainder < 0:
        notes.add("verdict", _deficit_verdict(answer))
    notes.add("note", _class_note(answer))
    notes.add("value", _told_value(answer), whole=True)
    notes.add("allocated", answer.allocated.words if answer.allocated else "")
    if answer.garbage_instances:
        notes.next("garbage", why="what a full collection would free")
    if answer.remainder > 0:
        notes.next("audit", "--type", answer.type, why="are there more like it?")
        if answer.possible:
            notes.next_in_gdb(
                f"info symbol {answer.possible[0].addr:#x}", "gdb's view of the candidate"
            )
    if answer.remainder < 0:
        if not answer.free_threaded:
            watch = f"watch *(long *){addr}"
            notes.next_in_gdb(watch, "live process: stop at each change of its count")
        notes.next("audit", "--deficit", why="are there others?")
    if len(_grouped(answer.owned)) < len(answer.owned) and answer.limit != 0:
        notes.next(
            "refs", "--limit", "0", addr, why=f"all {text.number(len(answer.owned))} holders"
        )
    notes.next("why", addr, why="who keeps it alive, from a root")
    notes.next("referents", addr, why="what it refers to")
    return notes.lines()


def _class_note(answer: Answer) -> str:
    if not answer.instances:
        return ""
    note = "an instance of a class owns a reference to it"
    n, garbage = answer.instances, answer.garbage_instances
    if garbage:
        are = text.verb_form(garbage, "is", "are")
        note += f"; {text.number(garbage)} of these {text.number(n)} instances {are} unreachable"
    return note + "."


def _told_value(answer: Answer) -> str:
    """Its value, where that says more than its type and name."""
    dull = (f"<{answer.type}>", f"<class '{answer.name}'>", answer.name)
    return "" if answer.value in dull else answer.value


def _leaked(missing: int) -> str:
    one = "it is leaked (an INCREF without its DECREF), or it lived"
    many = "they are leaked (INCREFs without their DECREFs), or they lived"
    return f"{one if missing == 1 else many} in memory that this core does not have."


def _likely(possible: Sequence[Candidate]) -> str:
    """The candidates as a sentence names them: a few, and of many how many there are."""
    groups = candidate_groups(possible)
    words = [
        group[0].short()
        if len(group) == 1
        else f"some of {text.plural(len(group), 'word')} of {group[0].area()}"
        for group in groups[:3]
    ]
    more = sum(len(group) for group in groups[3:])
    if more:
        words.append(text.plural(more, "other word"))
    return text.listing(words, "or")


def _surplus_verdict(answer: Answer) -> str:
    surplus, located, missing = answer.remainder, answer.located, answer.unexplained
    leaked = _leaked(missing)
    if answer.searched is None:
        return f"surplus. Whether C holds {'it' if surplus == 1 else 'them'} was not looked for."
    names = _likely(answer.possible)
    if located and not missing:
        held = "It is" if surplus == 1 else f"All {text.number(surplus)} are"
        return f"surplus. {held} held by C, most likely: {names}."
    if not located:
        which = "the reference" if missing == 1 else f"the {text.number(missing)}"
        return f"surplus. For {which} there is no holder anywhere: {leaked}"
    return (
        f"surplus. {text.number(located)} of the {text.number(surplus)} may be {names}; "
        f"for {text.number(missing)} there is no holder anywhere: {leaked}"
    )


_ORDINALS = (
    "",
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
)


def _ordinal(n: int) -> str:
    if n < len(_ORDINALS):
        return _ORDINALS[n]
    suffix = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{text.number(n)}{suffix}"


def _deficit_verdict(answer: Answer) -> str:
    owners = answer.owned_total
    if answer.refcnt > 0:
        when = (
            f"The object dies when the {_ordinal(answer.refcnt)} of these {text.number(owners)} "
            f"lets go; who still refers to it then points to freed memory."
        )
    else:
        when = "By its count it is dead already, and still referred to."
    who = (
        f"extensions that are not CPython's own and are loaded: {text.listing(answer.extensions)}."
        if answer.extensions
        else "no extension is loaded that is not CPython's own."
    )
    return f"deficit. {when} Nothing in the target says who did it; {who}"


# ---- immortal and static --------------------------------------------------------------------

_STATIC_START = 999_999_999
_REAL_IMMORTALITY = 0x030C0000


def _immortal(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    before = answer.version < _REAL_IMMORTALITY
    lines = [_static_sentence(answer, style) if before else _immortal_sentence(answer, style), ""]
    lines.extend(_raw_count(answer, before))
    sources = len(answer.owned)
    points = text.verb_form(answer.owned_total, "points", "point")
    if answer.owned_total:
        counted = "is not counted" if answer.owned_total == 1 else "none is counted"
        if before:
            counted = "each is counted on top of that start"
        lines.append(
            f"  {text.plural(answer.owned_total, 'reference')} from "
            f"{text.plural(sources, 'holder')} {points} here; {counted}."
        )
    notes = text.Notes(spelling, style)
    if before:
        notes.add(
            "note",
            "real immortality came with 3.12. None is not static in this sense before it: it has "
            "an ordinary count, and too many DECREFs on it kill the process.",
        )
    notes.add("value", _told_value(answer), whole=True)
    notes.next("referrers", "--limit", "0", hexa(answer.addr), why="list them")
    return lines + [""] + notes.lines()


def _immortal_sentence(answer: Answer, style: text.Style) -> str:
    said = f"is {style('immortal', 'immortal')}: its refcount never changes and says nothing."
    return text.fit(lambda columns: f"{subject(answer, style, columns)} {said}")


def _static_sentence(answer: Answer, style: text.Style) -> str:
    value = ""
    if answer.type in ("int", "bytes", "str") and len(answer.value) <= 12 and not answer.value_cut:
        value = f" ({answer.value})"
    said = "is a static object of the interpreter: its refcount does not say who holds it."
    return text.fit(lambda columns: f"{subject(answer, style, columns)}{value} {said}")


def _raw_count(answer: Answer, before: bool) -> List[str]:
    if before:
        above = answer.refcnt - _STATIC_START
        words = f"{above:,} above" if above >= 0 else f"{-above:,} below"
        return [
            f"  ob_refcnt  {text.number(answer.refcnt)}   (static objects start at "
            f"{text.number(_STATIC_START)}; {words} the start)"
        ]
    return [f"  ob_refcnt  {answer.raw[0]:#018x}   ({_immortal_words(answer)})"]


def _immortal_words(answer: Answer) -> str:
    if answer.free_threaded:
        return "ob_ref_local 0xffffffff = immortal"
    if answer.version >= 0x030E0000:
        return "3.14 and later: bit 31 of the count is set = immortal"
    return "3.12 and 3.13: the 32-bit count reads as negative = immortal"
