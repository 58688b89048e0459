# SPDX-License-Identifier: MIT
"""Mismatches, gathered by check, and printed so that the wrong decoder is seen at a glance."""
import collections
import typing


class Mismatch(typing.NamedTuple):
    """One thing that is not as the interpreter or the core says."""

    kind: str  # what is wrong, in fixed words
    type: str  # of the object
    addr: int
    text: str


class Result:
    """The outcome of one check."""

    def __init__(self, check: str) -> None:
        self.check = check
        self.compared = 0
        self.mismatches: typing.List[Mismatch] = []
        self.notes: typing.List[str] = []
        self.figures: typing.Dict[str, int] = {}  # what the check counted
        self.allowed = 0.0  # share of `compared` that may mismatch

    def add(self, kind: str, type_name: str, addr: int, text: str = "") -> None:
        """Note a mismatch."""
        self.mismatches.append(Mismatch(kind, type_name, addr, text))

    def note(self, text: str) -> None:
        """A line of the report that is no mismatch."""
        self.notes.append(text)

    @property
    def share(self) -> float:
        """Share of the compared that agrees."""
        bad = len({m.addr for m in self.mismatches})
        return 1.0 if not self.compared else max(0.0, 1.0 - bad / self.compared)

    @property
    def ok(self) -> bool:
        """Whether the check holds; one that compared nothing does not."""
        return self.compared > 0 and 1.0 - self.share <= self.allowed

    def lines(self, limit: int = 5) -> typing.List[str]:
        """The report: a total, then mismatches by kind and type with examples."""
        bad = len(self.mismatches)
        word = "ok    " if self.ok else "FAILED"
        share = int(self.share * 1e6) / 1e4  # cut, not rounded: 100 means all
        out = ["%s %-12s %9d compared %8d mismatches  %8.4f %%" % (
            word, self.check, self.compared, bad, share)]
        out += ["         " + note for note in self.notes]
        groups: typing.Dict[typing.Tuple[str, str], typing.List[Mismatch]]
        groups = collections.defaultdict(list)
        for mismatch in self.mismatches:
            groups[mismatch.kind, mismatch.type].append(mismatch)
        ordered = sorted(groups.items(), key=lambda g: (-len(g[1]), g[0]))
        for rank, ((kind, type_name), members) in enumerate(ordered[:20]):
            out.append("  %8d  %-28s %s" % (len(members), kind, type_name))
            examples = limit if rank < 6 else 0
            out += ["            %#x  %s" % (m.addr, m.text) for m in members[:examples]]
        if len(ordered) > 20:
            out.append("  ... and %d more groups" % (len(ordered) - 20))
        return out
