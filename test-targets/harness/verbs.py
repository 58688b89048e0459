# SPDX-License-Identifier: MIT
"""Compares the answers of single verbs with the truth, the facts and the export."""
import collections
import typing

from . import mallocstats
from .compare import Case, planted_remainders
from .refscope import Answers, addresses
from .report import Result

def _same(result: Result, what: str, said: typing.Any, real: typing.Any) -> None:
    result.compared += 1
    if said != real:
        result.add(what, "", 0, "%r, not %r" % (said, real))


def _main(answer: typing.Any) -> typing.Any:
    """The main interpreter's part of an answer: the truth is about that one."""
    return next(row for row in answer["interpreters"] if row["id"] == 0)


def gc(case: Case, answers: Answers) -> Result:
    """Thresholds, counts, statistics and sizes of the collector's books."""
    result, truth = Result("gc verb"), case.truth
    mine = _main(answers["gc"])
    _same(result, "interpreters", len(answers["gc"]["interpreters"]),
          case.facts.get("interpreters", 1))
    _same(result, "enabled", mine["enabled"], truth.gc_enabled)
    _same(result, "collecting", mine["collecting"], bool(case.facts.get("collecting")))
    _same(result, "frozen", mine["frozen"], truth.gc_freeze_count)
    _same(result, "garbage", mine["garbage"], len(truth.gc_garbage))
    if case.free_threaded:
        sizes = {row["name"]: row["objects"] for row in mine["generations"]}
        tracked = set().union(*(truth.generation(i) for i in range(3)))
        _same(result, "tracked", sizes["tracked"], len(tracked))
        return result
    for i, gen in enumerate(mine["generations"][:3]):
        where = "generation %d " % i
        _same(result, where + "objects", gen["objects"], len(truth.generation(i)))
        _same(result, where + "threshold", gen["threshold"], truth.gc_threshold[i])
        _same(result, where + "count", gen["count"], truth.gc_count[i])
        said = [gen["collections"], gen["collected"], gen["uncollectable"]]
        _same(result, where + "statistics", said, truth.gc_stats[i])
    return result


def _arenas_add_up(result: Result, interpreter: typing.Dict[str, typing.Any]) -> Result:
    for key in ("used_blocks", "used_bytes", "free_pools"):
        found = sum(row[key] for row in interpreter["arenas"])
        _same(result, key + " of arenas", found, interpreter[key])
    return result


def arenas(case: Case, answers: Answers) -> Result:
    """pymalloc's totals against sys._debugmallocstats."""
    result, real = Result("arenas verb"), mallocstats.parse(case.truth.mallocstats)
    answer = answers["arenas"]
    # It prints nothing while tracemalloc stands before the allocator (_PyMem_PymallocEnabled).
    if real is None and "allocated" in case.facts:
        return _arenas_add_up(result, _main(answer))
    if real is None:
        _same(result, "arenas", sum(len(i["arenas"]) for i in answer["interpreters"]), 0)
        return result
    # Before 3.12 (gh-100227) all interpreters had one allocator: it stands under one of them.
    using = [row for row in answer["interpreters"] if row["arenas"]]
    mine = using[0] if case.truth.version < 0x030C0000 and len(using) == 1 else _main(answer)
    said = {c["size"]: (c["pools"], c["used"], c["free"]) for c in mine["size_classes"]
            if c["pools"]}
    for row in real.classes:
        _same(result, "size class %d" % row.size, said.pop(row.size, None),
              (row.pools, row.used, row.free))
    _same(result, "classes nobody uses", said, {})
    _same(result, "arenas", len(mine["arenas"]), real.arenas)
    _same(result, "used blocks", mine["used_blocks"], real.used_blocks)
    _same(result, "used bytes", mine["used_bytes"], real.used_bytes)
    _same(result, "free pools", mine["free_pools"], real.unused_pools)
    _same(result, "pools", sum(a["pools"] for a in mine["arenas"]),
          sum(c.pools for c in real.classes) + real.unused_pools)
    return _arenas_add_up(result, mine)


def garbage(case: Case, answers: Answers) -> Result:
    """What a full collection would find, against what one under DEBUG_SAVEALL saved."""
    result, answer = Result("garbage verb"), answers["garbage"]
    others = {o.addr for o in case.export.objects.values() if o.interp}
    said = addresses(answer["unreachable"]) - others
    may = addresses(answer["may_resurrect"])
    tracked = {o.addr for o in case.export.objects.values() if o.gc not in (None, "untracked")}
    _same(result, "unreachable, not tracked", said - tracked, set())
    saved = case.truth.saved
    if saved is not None:
        result.compared += len(said | saved) + 1
        for addr in saved - said:
            result.add("saved, not unreachable", case.type_of(addr), addr)
        for addr in said - may - saved:
            result.add("unreachable, not saved", case.type_of(addr), addr)
    for ring in case.facts.get("garbage", {}).values():
        _same(result, "planted ring", set(ring["members"]) - said, set())
        finalizers = addresses(answer["finalizers"])
        _same(result, "planted finalizers", set(ring.get("finalizers", ())) - finalizers, set())
        _same(result, "planted resurrection", set(ring.get("resurrected", ())) - may, set())
    callbacks = set(case.facts.get("callbacks", ()))
    if callbacks:
        _same(result, "planted callbacks", callbacks - addresses(answer["callbacks"]), set())
    return result


def cycles(case: Case, answers: Answers) -> Result:
    """Planted rings are components of their own; unreachable ones are said to be."""
    result = Result("cycles verb")
    rows = answers["cycles"]
    by_member = {int(m, 16): row for row in rows for m in row["members"]}
    unreachable = addresses(answers["garbage"]["unreachable"])
    for row in rows:
        members = addresses(row["members"])
        _same(result, "size", row["size"], len(members))
        _same(result, "reachable", row["reachable"], not members & unreachable)
    for planted, reachable in ((case.facts.get("cycles", []), False),
                               (case.facts.get("reachable", []), True)):
        for ring in planted:
            row = by_member.get(ring["members"][0], {"members": [], "reachable": None})
            _same(result, "planted cycle", addresses(row["members"]), set(ring["members"]))
            _same(result, "planted cycle is reachable", row["reachable"], reachable)
    return result


def heap(case: Case, answers: Answers) -> Result:
    """The totals of the heap, counted again from the export."""
    result, answer = Result("heap verb"), answers["heap"]
    objects = case.export.objects.values()
    names = {t.addr: (t.module, t.name) for t in case.export.types.values()}
    counted: typing.Counter[typing.Any] = collections.Counter(names[o.type] for o in objects)
    said: typing.Counter[typing.Any] = collections.Counter()
    for row in answer["types"]:
        said[row["module"], row["name"]] += row["count"]
    _same(result, "objects", answer["objects"], len(objects))
    _same(result, "bytes", answer["bytes"], sum(o.bytes or 0 for o in objects))
    _same(result, "bytes of types", sum(r["bytes"] for r in answer["types"]), answer["bytes"])
    for key in counted.keys() | said.keys():
        _same(result, "count of %s.%s" % key, said[key], counted[key])
    return result


def audit(case: Case, answers: Answers) -> Result:
    """Deficits are the planted ones, each planted leak that no word explains is a surplus.

    Nothing that is still referred to was freed, and no rule of a sound heap is broken: the process goes
    on after it.
    """
    result, answer = Result("audit verb"), answers["audit"]
    mortal = [o for o in case.export.objects.values() if not o.immortal]
    _same(result, "objects", answer["objects"], len(case.export.objects))
    wanted = planted_remainders(case)
    deficit = {int(row["addr"], 16): row["remainder"] for row in answer["deficit"]}
    _same(result, "deficits", deficit, {a: r for a, r in wanted.items() if r < 0})
    _same(result, "slots that refer to freed objects", answer["freed"], [])
    _same(result, "rules of a sound heap that are broken", answer["broken"], [])
    surplus = {int(row["addr"], 16): row["remainder"] for row in answer["surplus"]}
    listed = {o.addr: o.remainder for o in mortal if (o.unexplained or 0) > 0
              and o.refcnt > 0 and not case.core.is_static(o.addr)}
    _same(result, "surplus is what the export has unexplained", surplus, listed)
    for addr, remainder in wanted.items():
        found = case.by_addr.get(addr)
        if remainder > 0 and found and found.unexplained:
            _same(result, "planted surplus", surplus.get(addr), remainder)
    return result


def threads(case: Case, answers: Answers) -> Result:
    """Planted threads with the functions they are in, innermost first, and their locals."""
    result = Result("threads verb")
    rows = {row["tid"]: row for row in answers["threads"]["threads"]}
    for planted in case.facts.get("threads", []):
        row = rows.get(planted["tid"], {"frames": [], "ident": None})
        names = [f["function"].rpartition(".")[2] for f in row["frames"]]
        start = names.index(planted["functions"][0]) if planted["functions"][0] in names else 0
        _same(result, "functions of %s" % planted["name"], names[start:], planted["functions"])
        _same(result, "ident of %s" % planted["name"], row["ident"], planted["ident"])
    seen = {(f["function"].rpartition(".")[2], v["name"], int(v["addr"], 16))
            for row in rows.values() for f in row["frames"] for v in f["locals"] if v["addr"]}
    suspended = ("generator", "delegating", "coroutine", "asynchronous")
    for local in case.facts.get("locals", []):
        if local["function"] not in suspended:
            key = (local["function"], local["name"], local["dst"])
            _same(result, "local %s of %s()" % (local["name"], local["function"]), key in seen, True)
    _same(result, "one thread holds the GIL",
          [r["holds_gil"] for r in rows.values()].count(True) <= 1, True)
    return result


def traverse(case: Case, answers: Answers) -> Result:
    """Each decoder says of each object what the type's own tp_traverse visits."""
    result = Result("layout verb")
    gc_objects = sum(o.gc is not None for o in case.export.objects.values())
    rows = answers["layout --check-traverse"]["traverse"]
    for row in rows:
        result.compared += row["checked"]
        if row["different"] or row["unfollowed"]:
            text = "%(different)d differ, %(unfollowed)d were not followed" % row
            result.add("decoder", row["type"], int(row["first"] or "0", 16), text)
    if result.compared < gc_objects // 2:
        result.add("too few compared", "", 0, "%d of %d" % (result.compared, gc_objects))
    return result


CHECKS = (heap, gc, arenas, garbage, cycles, audit, threads, traverse)


def run(case: Case, answers: Answers) -> typing.List[Result]:
    """Every check of a verb."""
    return [check(case, answers) for check in CHECKS]
