# SPDX-License-Identifier: MIT
"""Checks that what a target planted is in the export, as it was planted.

The keys of facts.json that mean something here; addresses are numbers.

    remainders   [{"addr", "remainder"}]       ob_refcnt - owners, exactly
    refcounts    [{"addr", "refcount"}]        as many, and all of them owned
    edges        [{"src", "dst", "name"}]      an owned reference of that name
    locals       [{"function", "name", "dst"}] an owned reference named local 'name'
    on_stack     [addr]                        one owner each, nothing left over
    visits       [{"src", "dst"}]              a visited edge, found by running tp_traverse
    hidden       [{"src", "dst"}]              an owner that only its tp_dealloc tells
    weak         [{"src", "dst"}]              a weak reference
    possible     [{"addr", "dst"}]             the word at addr may be a reference to dst
    located, unexplained  [addr]               how a surplus is explained
    frozen, young         [addr]               frozen, and in the youngest generation
"""
import typing

from .compare import Case
from .export import Edge
from .report import Result

Fact = typing.Dict[str, typing.Any]
KEYS = ("remainders", "refcounts", "edges", "locals", "on_stack", "visits", "hidden", "weak",
        "possible", "located", "unexplained", "frozen", "young")


class _Facts:
    """Looks planted things up in an export."""

    def __init__(self, case: Case, result: Result) -> None:
        self.case, self.result = case, result
        self.to: typing.Dict[int, typing.List[Edge]] = {}
        for edge in case.export.edges:
            self.to.setdefault(case.addr_of(edge.dst), []).append(edge)

    def holds(self, what: str, addr: int, true: bool, text: str = "") -> None:
        """Note one comparison."""
        self.result.compared += 1
        if not true:
            self.result.add(what, self.case.type_of(addr), addr, text)

    def edges(self, fact: Fact, ref: str = "owned") -> typing.List[Edge]:
        """Edges of one kind between the two objects of a fact."""
        return [e for e in self.to.get(fact["dst"], ())
                if e.ref == ref and self.case.addr_of(e.src) == fact["src"]]

    def named(self, addr: int, name: str) -> bool:
        """Whether an owned edge of that name goes to addr."""
        return any(e.name == name and e.ref == "owned" for e in self.to.get(addr, ()))

    def remainder(self, addr: int) -> typing.Optional[int]:
        """The exported remainder; None for what is not exported."""
        found = self.case.by_addr.get(addr)
        return found.remainder if found else None


def _remainders(facts: _Facts, fact: Fact) -> None:
    said = facts.remainder(fact["addr"])
    facts.holds("planted remainder", fact["addr"], said == fact["remainder"],
                "%r, planted %d" % (said, fact["remainder"]))


def _refcounts(facts: _Facts, fact: Fact) -> None:
    found = facts.case.by_addr.get(fact["addr"])
    owned = sum(e.ref == "owned" for e in facts.to.get(fact["addr"], ()))
    true = found is not None and found.refcnt == owned == fact["refcount"]
    facts.holds("planted refcount", fact["addr"], true,
                "%r, %d owned, planted %d" % (found and found.refcnt, owned, fact["refcount"]))


def _edges(facts: _Facts, fact: Fact) -> None:
    names = [e.name for e in facts.edges(fact)]
    facts.holds("planted edge", fact["src"], fact["name"] in names,
                "%s -> %#x; there is %r" % (fact["name"], fact["dst"], names[:5]))


def _locals(facts: _Facts, fact: Fact) -> None:
    name = "local '%s'" % fact["name"]
    facts.holds("planted local", fact["dst"], facts.named(fact["dst"], name),
                "%s of %s()" % (name, fact["function"]))


def _on_stack(facts: _Facts, addr: int) -> None:
    owned = [e for e in facts.to.get(addr, ()) if e.ref == "owned"]
    true = len(owned) == 1 and facts.remainder(addr) == 0
    facts.holds("value on a stack", addr, true,
                "owned by %r, remainder %r" % ([e.name for e in owned], facts.remainder(addr)))


def _visits(facts: _Facts, fact: Fact) -> None:
    facts.holds("planted visit", fact["src"], any(e.visited for e in facts.edges(fact)))


def _hidden(facts: _Facts, fact: Fact) -> None:
    owned = [e for e in facts.edges(fact) if not e.visited]
    told = len(owned) == 1 and facts.remainder(fact["dst"]) == 0
    facts.holds("reference nobody declares", fact["dst"], told,
                "%d owned, remainder %r" % (len(owned), facts.remainder(fact["dst"])))


def _weak(facts: _Facts, fact: Fact) -> None:
    facts.holds("planted weak reference", fact["src"], bool(facts.edges(fact, "weak")))


def _possible(facts: _Facts, fact: Fact) -> None:
    words = [e for e in facts.to.get(fact["dst"], ()) if e.ref == "possible"]
    facts.holds("word in C memory", fact["dst"], bool(words))


def _located(facts: _Facts, addr: int) -> None:
    found = facts.case.by_addr.get(addr)
    facts.holds("located surplus", addr, found is not None and found.unexplained == 0)


def _unexplained(facts: _Facts, addr: int) -> None:
    found = facts.case.by_addr.get(addr)
    facts.holds("unexplained surplus", addr, found is not None and bool(found.unexplained))


def _frozen(facts: _Facts, addr: int) -> None:
    found = facts.case.by_addr.get(addr)
    facts.holds("frozen", addr, found is not None and found.gc == "frozen")


def _young(facts: _Facts, addr: int) -> None:
    found = facts.case.by_addr.get(addr)
    facts.holds("young", addr, found is not None and found.gc in ("gen0", "young", "tracked"))


_CHECKS: typing.Dict[str, typing.Callable[[_Facts, typing.Any], None]] = {
    "remainders": _remainders, "refcounts": _refcounts, "edges": _edges, "locals": _locals,
    "on_stack": _on_stack, "visits": _visits, "hidden": _hidden, "weak": _weak,
    "possible": _possible, "located": _located, "unexplained": _unexplained, "frozen": _frozen,
    "young": _young,
}


def planted(case: Case) -> Result:
    """Everything that the facts name; nothing compared means that they name nothing."""
    result = Result("planted")
    facts = _Facts(case, result)
    for key in KEYS:
        for fact in case.facts.get(key, ()):
            _CHECKS[key](facts, fact)
    return result


def has_facts(case: Case) -> bool:
    """Whether there is anything for `planted` to compare."""
    return any(case.facts.get(key) for key in KEYS)
