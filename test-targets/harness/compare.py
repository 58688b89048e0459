# SPDX-License-Identifier: MIT
"""Compares an export with the truth of its process and with the bytes of its core.

Each check is a function that takes a Case and returns a Result. No check takes the export's word
for a sum: edges are counted again, and refcounts are read from the core by harness.corefile.
"""
import collections
import functools
import re
import typing
from pathlib import Path

from . import build
from . import truth as flags
from .corefile import Core, Refcount, Unreadable, refcount
from .export import Edge, Export, Object
from .report import Result
from .truth import Record, Truth

FREE_THREADED_GC = {"tracked"}
INCREMENTAL = {0: "young", 1: "old", 2: "old"}


class Case:
    """An export, what its process said, its core, and what was planted."""

    def __init__(self, export: Export, truth: Truth, core: Core,
                 facts: typing.Optional[typing.Dict[str, typing.Any]] = None) -> None:
        self.export, self.truth, self.core = export, truth, core
        self.facts = facts or {}
        self.by_addr = export.by_address()
        self.names = {**{a: t.name for a, t in truth.types.items()}, **export.type_names()}
        self.free_threaded = bool(export.header.get("free_threaded"))

    @classmethod
    def load(cls, export: Path, truth: Path, core: Path, **more: typing.Any) -> "Case":
        """The same from files."""
        return cls(Export.load(export), Truth.load(truth), Core(core), **more)

    @functools.cached_property
    def outgoing(self) -> typing.Dict[int, typing.List[Edge]]:
        return self.export.outgoing()

    @functools.cached_property
    def owned_in(self) -> typing.Counter[int]:
        """Owned edges by the id they go to, counted here."""
        return collections.Counter(e.dst for e in self.export.edges if e.ref == "owned")

    def type_of(self, addr: int) -> str:
        """The name of the type of the object at addr, as far as anyone knows."""
        known = self.by_addr.get(addr) or self.truth.objects.get(addr)
        return self.names.get(known.type, hex(known.type)) if known else "?"

    def addr_of(self, number: int) -> int:
        """The address behind an id; 0 for one that is no object."""
        known = self.export.objects.get(number)
        return known.addr if known else 0

    def in_core(self, addr: int) -> typing.Optional[Refcount]:
        """What the core's bytes say of an object's count; None where they are missing."""
        try:
            return refcount(self.core, addr, self.truth.version, self.free_threaded)
        except Unreadable:
            return None

    def pairs(self) -> typing.Iterator[typing.Tuple[Object, Record]]:
        """Objects that both sides know."""
        for record in self.truth.objects.values():
            found = self.by_addr.get(record.addr)
            if found:
                yield found, record


def structure(case: Case) -> Result:
    """The file keeps its own promises: order, ids, words, possible only beside a remainder."""
    result, export = Result("structure"), case.export
    addrs = [o.addr for o in export.objects.values()]
    result.compared = len(addrs) + len(export.edges)
    for before, after in zip(addrs, addrs[1:]):
        if after <= before:
            result.add("objects not in address order", case.type_of(after), after)
    _check_order(case, result)
    for edge in export.edges:
        _check_edge(case, edge, result)
    for found in export.objects.values():
        _check_object(case, found, result)
    for kind, count in export.unknown.items():
        result.note("%d lines of unknown kind %r" % (count, kind))
    return result


def _check_order(case: Case, result: Result) -> None:
    """All edges of a source stand together; objects ascend."""
    last, seen = None, set()
    for edge in case.export.edges:
        if edge.src == last:
            continue
        if edge.src in seen or (edge.src >= 0 and last is not None and 0 <= edge.src < last):
            result.add("edges not in source order", "", case.addr_of(edge.src), edge.name)
        seen.add(edge.src)
        last = edge.src


def _check_edge(case: Case, edge: Edge, result: Result) -> None:
    export, addr = case.export, case.addr_of(edge.src)
    known = export.objects if edge.src >= 0 else export.roots
    if edge.src not in known or edge.dst not in export.objects:
        result.add("edge of an unknown id", "", addr, "%d -> %d" % (edge.src, edge.dst))
        return
    if edge.ref not in ("owned", "borrowed", "weak", "possible"):
        result.add("unknown ref word", case.type_of(addr), addr, repr(edge.ref))
    if edge.ref == "possible" and not export.objects[edge.dst].remainder:
        result.add("possible without a remainder", case.type_of(addr), addr, edge.name)
    if edge.visited and edge.src < 0:
        result.add("visited edge of a root", "", addr, edge.name)
    if not edge.name:
        result.add("edge without a name", case.type_of(addr), addr)


def _check_object(case: Case, found: Object, result: Result) -> None:
    kind = case.type_of(found.addr)
    if found.immortal != (found.remainder is None):
        result.add("remainder of an immortal", kind, found.addr, repr(found.remainder))
    if found.remainder is None or found.unexplained is None:
        return
    # Located words never enter a deficit: there is nothing to explain, or all of it.
    wanted = range(found.remainder + 1) if found.remainder >= 0 else (0, found.remainder)
    if found.unexplained not in wanted:
        result.add("unexplained out of range", kind, found.addr,
                   "remainder %d, unexplained %d" % (found.remainder, found.unexplained))


def objects(case: Case) -> Result:
    """Every object the interpreter reaches is exported, with its type and gc-ness."""
    result = Result("objects")
    for record in case.truth.objects.values():
        result.compared += 1
        kind, found = case.type_of(record.addr), case.by_addr.get(record.addr)
        if not found and record.refcnt == 0:
            result.note("%#x %s is dead, but visited" % (record.addr, kind))  # _asyncio's free list
        elif not found:
            result.add("missing", kind, record.addr)
        elif found.type != record.type:
            result.add("wrong type", kind, record.addr, "%#x, not %#x" % (found.type, record.type))
        elif (found.gc is not None) != bool(record.flags & flags.IS_GC):
            result.add("wrong about a gc head", kind, record.addr, repr(found.gc))
    extra = len(case.by_addr) - (result.compared - sum(
        m.kind == "missing" for m in result.mismatches))
    result.note("%d exported objects that the interpreter cannot reach" % extra)
    if len(result.mismatches) > result.compared // 4:
        result.note("so much is missing: is this an export of another process than the core's?")
    return result


def types(case: Case) -> Result:
    """Names and sizes of types."""
    result = Result("types")
    for row in case.export.types.values():
        known = case.truth.types.get(row.addr)
        if not known:
            continue
        result.compared += 1
        module, _, name = known.name.rpartition(".")
        said = (row.name, row.module)
        heap_type = known.flags >> 9 & 1
        # A heap type made by C has its module in tp_name, one made by a class statement has not.
        wanted = (known.name, name) if heap_type else (name,)
        if row.name not in wanted or (
                not heap_type and row.module != (module or "builtins")):
            result.add("wrong name", row.name, row.addr, "%r, tp_name is %r" % (said, known.name))
        if row.basicsize is not None and row.basicsize != known.basicsize:
            result.add("wrong basicsize", row.name, row.addr, str(row.basicsize))
        if row.itemsize is not None and row.itemsize != known.itemsize:
            result.add("wrong itemsize", row.name, row.addr, str(row.itemsize))
    return result


def generations(case: Case) -> Result:
    """Members of each generation, frozen and untracked ones, both ways."""
    result = Result("generations")
    words = {o.gc for o in case.export.objects.values()}
    truth = case.truth
    wanted: typing.Dict[str, typing.Set[int]] = collections.defaultdict(set)
    for gen in range(3):
        word = "gen%d" % gen
        if words & FREE_THREADED_GC:
            word = "tracked"
        elif words & {"young", "old"}:
            word = INCREMENTAL[gen]
        wanted[word] |= truth.generation(gen)
    wanted["frozen"] |= truth.frozen
    for word, members in wanted.items():
        # The truth is the main interpreter's; the others have collectors of their own.
        said = {o.addr for o in case.export.objects.values() if o.gc == word and not o.interp}
        result.compared += len(members | said)
        result.note("%-9s %d in the target, %d exported" % (word, len(members), len(said)))
        for addr in members - said:
            found = case.by_addr.get(addr)
            result.add("not in " + word, case.type_of(addr), addr,
                       "exported as %r" % found.gc if found else "not exported")
        for addr in said - members:
            result.add("wrongly in " + word, case.type_of(addr), addr)
    return result


def refcounts(case: Case) -> Result:
    """The logical count, against the core's bytes and against the interpreter's word."""
    result = Result("refcounts")
    for found in case.export.objects.values():
        kind, real = case.type_of(found.addr), case.in_core(found.addr)
        result.compared += 1
        if real is None:
            result.add("header not in the core", kind, found.addr)
            continue
        if found.immortal != real.immortal:
            result.add("wrong about immortal", kind, found.addr, "core: %d" % real.count)
        elif not real.immortal and found.refcnt != real.count:
            result.add("not the core's count", kind, found.addr,
                       "%r, core has %d" % (found.refcnt, real.count))
        told = case.truth.objects.get(found.addr)
        if told and not real.immortal and found.refcnt != told.refcnt:
            result.add("not the target's count", kind, found.addr,
                       "%r, sys.getrefcount - 1 is %d" % (found.refcnt, told.refcnt))
    return result


def sizes(case: Case) -> Result:
    """sys.getsizeof, where the export claims to know it."""
    result, blocks = Result("sizes"), 0
    for found, record in case.pairs():
        if record.size < 0:
            continue
        if found.size_of != "object":
            blocks += 1
            continue
        result.compared += 1
        if found.size != record.size:
            result.add("wrong size", case.type_of(record.addr), record.addr,
                       "%r, getsizeof says %d" % (found.size, record.size))
    result.note("%d objects with the size of their block instead" % blocks)
    return result


def visited(case: Case) -> Result:
    """Edges marked visited equal gc.get_referents, as multisets, both ways."""
    result = Result("visited")
    result.allowed = 0.001
    unknown = 0
    for found in case.export.objects.values():
        record = case.truth.objects.get(found.addr)
        if not record:
            unknown += found.gc is not None
            continue
        if found.gc is None and not record.flags & flags.IS_GC:
            if any(e.visited for e in case.outgoing.get(found.id, ())):
                result.add("visited, but no gc object", case.type_of(found.addr), found.addr)
            continue
        result.compared += 1
        _compare_referents(case, found, record, result)
    if unknown:
        result.note("%d gc objects that the interpreter cannot reach: not compared" % unknown)
    return result


def _compare_referents(case: Case, found: Object, record: Record, result: Result) -> None:
    edges = [e for e in case.outgoing.get(found.id, ()) if e.visited]
    said = collections.Counter(case.addr_of(e.dst) for e in edges)
    real = collections.Counter(record.visited)
    if said == real:
        return
    missing, extra = real - said, said - real
    words = ["- %#x %s" % (a, case.type_of(a)) for a in list(missing)[:3]]
    slots = {case.addr_of(e.dst): e.name for e in edges}
    words += ["+ %#x %s %s" % (a, case.type_of(a), slots[a]) for a in list(extra)[:3]]
    kind = "missing and extra referents" if missing and extra else (
        "missing referents" if missing else "extra referents")
    result.add(kind, case.type_of(found.addr), found.addr, "; ".join(words))


# The dict of interned strings, which the collector tracks since 3.14, maps each to itself, and counts
# none of those references (unicodeobject.c): a dict as large that does so is this one.
INTERNED = 1000


def left_out(case: Case) -> Result:
    """Owned references that tp_traverse leaves out, where Python.h tells what they are."""
    result = Result("left out")
    for found, record in case.pairs():
        if not record.extras or record.flags & flags.IS_SPLIT:
            continue
        kind = case.type_of(record.addr)
        wanted = collections.Counter(record.extras)
        if len(wanted) >= INTERNED and wanted == collections.Counter(record.visited):
            continue
        # A table with keys other than str has them visited too.
        if kind == "dict" and len(record.visited) >= 2 * len(record.extras):
            wanted.clear()
        said = collections.Counter(case.addr_of(e.dst) for e in case.outgoing.get(found.id, ())
                                   if e.ref == "owned" and not e.visited)
        if record.flags & flags.IS_GC and kind not in ("dict", "type"):
            wanted -= collections.Counter(record.visited)
        result.compared += 1
        for addr in wanted - said:
            result.add("owned reference missing", kind, record.addr,
                       "- %#x %s" % (addr, case.type_of(addr)))
        for addr in (said - wanted) if kind == "dict" else ():
            result.add("owned reference too many", kind, record.addr,
                       "+ %#x %s" % (addr, case.type_of(addr)))
    return result


def _hidden() -> typing.List[str]:
    """Slots that description files call hidden; subtypes have them too."""
    folder = build.ROOT.parent / "gdbext" / "refscope" / "types"
    words = [line.split() for file in sorted(folder.glob("*.types")) for line in file.read_text().splitlines()]
    return sorted({row[1] for row in words if row[2:3] == ["hidden"]})


# What gc objects own and their tp_traverse leaves out, by what their type is: bits of tp_flags
# (object.h), or the name of the type itself.
INLINE_VALUES, DICT_SUBCLASS, TYPE_SUBCLASS = 1 << 2, 1 << 29, 1 << 31
LEFT_OUT: typing.List[typing.Tuple[typing.Union[int, str], str]] = [
    (DICT_SUBCLASS, r"key .*"),  # dict_traverse: keys of a table of str only
    (r"frozendict", r"key .*"),  # the same
    (r"code", r"\.co_.*"),  # code_traverse, where there is no GIL: co_consts alone
    (TYPE_SUBCLASS, r"key .*"),  # type_traverse: ht_cached_keys
    (TYPE_SUBCLASS, r"\.(__name__|__qualname__|__slots__|tp_subclasses)"),  # type_traverse
    (r".*_descriptor", r"\.(__name__|__qualname__)"),  # descr_traverse: d_type alone
    (r"_io\.BytesIO", r"\.buf"),  # up to 3.13: bytesio_traverse
    (r"module", r"\.(md_name|__name__)"),  # module_traverse
    (r"frame", r"stack\[\d+\]"),  # frame_traverse up to 3.10: the stack of a frame that is executed
    (r"generator|coroutine|async_generator", r"code"),  # gen_traverse: of one that is done, 3.12 to 3.13
    (INLINE_VALUES, r"\.__dict__"),  # PyObject_VisitManagedDict before gh-130327
    (r"functools\._lru_cache_wrapper", r"\[.*\]|.*link.*"),  # lru_cache_tp_traverse: contents
    # Extension types leave out what cannot be part of a cycle, str and bytes most of all; so their
    # tp_dealloc is asked.
    (r".+\..+", r"\+0x[0-9a-f]+|\[\d+\]"),
    (r".*", "|".join(map(re.escape, _hidden()))),
    (r".*", r"ob_type"),  # before 3.9 (gh-79991) all heap types' instances; some to this day
]


def slots(case: Case) -> Result:
    """Owned edges that are not visited name slots that tp_traverse is known to leave out."""
    result = Result("slots")
    for edge in case.export.edges:
        source = case.export.objects.get(edge.src)
        if edge.ref != "owned" or edge.visited or not source or (
                source.type not in case.truth.types):
            continue
        result.compared += 1
        if source.gc is not None and not _is_left_out(case, source, edge.name):
            result.add("visited slot, or an unknown one", case.type_of(source.addr), source.addr,
                       edge.name)
    return result


def _is_left_out(case: Case, source: Object, slot: str) -> bool:
    bits, name = case.truth.types[source.type].flags, case.names[source.type]
    for rule, pattern in LEFT_OUT:
        applies = bits & rule if isinstance(rule, int) else re.fullmatch(rule, name)
        if applies and re.fullmatch(pattern, slot, re.S):
            return True
    return False


def ledger(case: Case) -> Result:
    """Owned edges, counted here, + remainder = ob_refcnt of the core, for every mortal object."""
    result = Result("ledger")
    for found in case.export.objects.values():
        real = case.in_core(found.addr)
        if real is None or real.immortal:
            continue
        result.compared += 1
        owned = case.owned_in[found.id]
        if found.remainder is None or owned + found.remainder != real.count:
            result.add("does not add up", case.type_of(found.addr), found.addr,
                       "%d owned + %r, core has %d" % (owned, found.remainder, real.count))
    return result


def planted_remainders(case: Case) -> typing.Dict[int, int]:
    """What the target planted, by address."""
    return {r["addr"]: r["remainder"] for r in case.facts.get("remainders", [])}


def balance(case: Case) -> Result:
    """No false deficit, enough balanced, and the header's shares are the counted ones.

    98 % are enough, or what the program says where extensions of others keep much in C variables.
    """
    least = case.facts.get("least_balanced", 98)
    result = Result("balance")
    wanted = planted_remainders(case)
    counts: typing.Counter[str] = collections.Counter()
    for found in case.export.objects.values():
        if found.immortal or found.refcnt <= 0 or case.core.is_static(found.addr):
            continue
        real = case.in_core(found.addr)
        if real is None:  # lies in a file's data that the core leaves out
            result.note("%#x is not in the core" % found.addr)
            continue
        result.compared += 1
        remainder = real.count - case.owned_in[found.id]
        counts["balanced"] += remainder == 0
        counts["explained"] += not found.unexplained and remainder >= 0
        if remainder < 0 and wanted.get(found.addr, 0) >= 0:
            result.add("false deficit", case.type_of(found.addr), found.addr, str(remainder))
            counts["deficits"] += 1
    result.figures = dict(counts)
    for word in ("balanced", "explained"):
        share = counts[word] / max(1, result.compared)
        result.note("%s %d of %d = %.4f %%, header says %r" % (
            word, counts[word], result.compared, 100 * share, case.export.header.get(word)))
        if abs(share - float(case.export.header.get(word) or 0)) > 1e-3:
            result.add("header's share differs", word, 0, "%.5f" % share)
    if 100 * counts["balanced"] < least * result.compared:
        result.add("less than %d %% balanced" % least, "", 0)
    return result


def slots_left_out(case: Case) -> typing.Counter[typing.Tuple[str, str]]:
    """For eyes: how many owned, not visited edges there are by source type and kind of slot."""
    table: typing.Counter[typing.Tuple[str, str]] = collections.Counter()
    for edge in case.export.edges:
        if edge.ref == "owned" and not edge.visited and edge.src >= 0:
            shape = re.sub(r"^(key |\[).*", r"\1*", re.sub(r"\d+", "*", edge.name), flags=re.S)
            table[case.type_of(case.addr_of(edge.src)), shape] += 1
    return table


CHECKS = (structure, objects, types, generations, refcounts, sizes, visited, left_out, slots,
          ledger, balance)


def run(case: Case) -> typing.List[Result]:
    """Every check."""
    return [check(case) for check in CHECKS]
