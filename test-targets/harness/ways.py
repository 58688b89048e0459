# SPDX-License-Identifier: MIT
"""Asks `why` and `retained` of some objects, and finds the same in the export by brute force."""
import collections
import typing

from . import refscope
from .compare import Case
from .report import Result

SAMPLE = 60
"""Objects asked beside the planted ones, evenly over the heap."""

Distances = typing.Dict[int, int]


class Ways:
    """Distances from what lives by itself, by owned edges of the export."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.names: typing.Dict[typing.Tuple[int, int], typing.Set[str]] = {}
        self.out: typing.Dict[int, typing.List[int]] = collections.defaultdict(list)
        for edge in case.export.edges:
            if edge.ref == "owned":
                self.out[edge.src].append(edge.dst)
                self.names.setdefault((edge.src, edge.dst), set()).add(edge.name)
        objects = case.export.objects.values()
        self.forever = {o.id for o in objects if o.immortal or case.core.is_static(o.addr)}
        surplus = [o.id for o in objects if o.id not in self.forever and (o.remainder or 0) > 0]
        self.starts = {*(i for i in self.out if i < 0), *self.forever, *surplus}
        self.distances = {"root": self._from([i for i in self.out if i < 0]),
                          "static": self._from(sorted(self.forever)),
                          "surplus": self._from(surplus)}

    def _from(self, starts: typing.Iterable[int], without: typing.Optional[int] = None
              ) -> Distances:
        """Breadth first; ids of roots are negative."""
        far = dict.fromkeys(starts, 0)
        far.pop(without, None)
        queue = collections.deque(far)
        while queue:
            at = queue.popleft()
            for to in self.out.get(at, ()):
                if to not in far and to != without:
                    far[to] = far[at] + 1
                    queue.append(to)
        return far

    def lost_without(self, number: int) -> typing.Set[int]:
        """What nothing keeps alive any more if an object goes, itself included."""
        alive = self.distances
        before = {i for far in alive.values() for i in far if i >= 0}
        return before - self._from(self.starts, number).keys()

    def origin(self, number: int) -> typing.Tuple[str, int]:
        """What the way to an object must begin with, and how many edges it has."""
        for origin, far in self.distances.items():
            if number in far:
                return origin, far[number]
        return "", 0


def why(case: Case, unreachable: typing.Set[int], with_them: typing.Set[int]) -> Result:
    """The way is there, no longer than it must be, and its beginning the right one."""
    result, ways = Result("why verb"), Ways(case)
    asked = _asked(case)
    answers = refscope.ask(case.core.path, ["why %#x" % addr for addr in asked])
    for addr in asked:
        result.compared += 1
        answer, found = answers["why %#x" % addr], case.by_addr[addr]
        text = _wrong(ways, answer, found.id, unreachable, with_them)
        if text:
            result.add("wrong way", case.type_of(addr), addr, text)
    return result


def _asked(case: Case) -> typing.List[int]:
    addrs = [o.addr for o in case.export.objects.values()]
    planted = [f["addr"] for key in ("remainders", "refcounts") for f in case.facts.get(key, ())]
    planted += [m for ring in case.facts.get("garbage", {}).values() for m in ring["members"][:3]]
    sample = addrs[::max(1, len(addrs) // SAMPLE)]
    return sorted({addr for addr in planted + sample if addr in case.by_addr})


def _wrong(ways: Ways, answer: typing.Any, number: int, unreachable: typing.Set[int],
           with_them: typing.Set[int]) -> str:
    """What is wrong with an answer, "" where nothing is."""
    addr, verdict, path = int(answer["addr"], 16), answer["verdict"], answer["path"]
    origin, far = ways.origin(number)
    if number in ways.forever:
        return "" if verdict == "itself" else verdict
    if not origin:
        wanted = "garbage" if addr in unreachable else (
            "with garbage" if addr in with_them else "nothing")
        return "" if verdict == wanted else "%s, not %s" % (verdict, wanted)
    # A root is no object: it is not in the path.
    edges = len(path) - (origin != "root")
    if (verdict, edges) != (origin, far):
        return "%s over %d, not %s over %d" % (verdict, edges, origin, far)
    if origin == "root" and addr in unreachable:
        return "a root leads to garbage"
    ids = [ways.case.by_addr[int(step["addr"], 16)].id for step in path]
    for before, after, step in zip(ids, ids[1:], path[1:]):
        if step["name"] not in ways.names.get((before, after), ()):
            return "no edge %s" % step["name"]
    return "" if ids[-1] == number else "the way leads elsewhere"


def retained(case: Case) -> Result:
    """What goes with the largest objects and with planted ones is what brute force finds."""
    result, ways = Result("retained verb"), Ways(case)
    most = refscope.ask(case.core.path, ["retained --limit 3"])["retained --limit 3"]
    asked = [int(row["addr"], 16) for row in most["rows"]]
    asked += [f["addr"] for key in ("remainders", "refcounts") for f in case.facts.get(key, ())][:2]
    answers = refscope.ask(case.core.path, ["retained %#x" % addr for addr in asked])
    objects = case.export.objects
    for addr in asked:
        result.compared += 1
        answer = answers["retained %#x" % addr]
        lost = ways.lost_without(case.by_addr[addr].id)
        wanted = len(lost), sum(objects[i].bytes or 0 for i in lost)
        said = answer["objects"], answer["bytes"]
        if said != wanted:
            result.add("wrong retained size", case.type_of(addr), addr, "%r, not %r" % (said, wanted))
    for row in most["rows"]:
        same = answers["retained %s" % row["addr"]]
        if (row["bytes"], row["objects"]) != (same["bytes"], same["objects"]):
            result.add("two answers", row["type"], int(row["addr"], 16))
    return result
