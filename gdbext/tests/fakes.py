# SPDX-License-Identifier: MIT
"""A session without a library: rows that a test writes down, in the library's own records.

The heap is that of a small program: a worker with a config, a leaked dict, an over-released list,
39 forgotten sessions.
"""

import json
from array import array
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

from refscope import _abi
from refscope.session import InspectError, Status

FIRST_ROOT = 1_000_000


def python(**changes: Any) -> _abi.Python:
    row = _abi.Python(
        version="3.11.2",
        hex=0x030B02F0,
        debug=0,
        free_threaded=0,
        gc_running=0,
        runtime=0xA56220,
        found_by="from .dynsym of /usr/bin/python3.11",
        machine="x86-64",
        allocator="pymalloc",
        module="/usr/bin/python3.11",
        build_id="c561f3aa7232f2bd6ac6d56bd475f1c154a00486",
        tracemalloc=0,
        arena_bytes=1 << 20,
    )
    return row._replace(**changes)


def generation(name: str, objects: int, count: int = -1, threshold: int = -1, *more: int) -> Any:
    collections, collected, uncollectable = more or (-1, -1, -1)
    return _abi.Generation(name, objects, threshold, count, collections, collected, uncollectable)


def interpreter(**changes: Any) -> _abi.Interpreter:
    row = _abi.Interpreter(
        addr=0xA64858,
        id=0,
        threads=2,
        gc_enabled=1,
        gc_collecting=0,
        garbage=0,
        long_lived_total=38711,
        long_lived_pending=0,
        generations=[
            generation("gen0", 133, 174, 700, 173, 117, 0),
            generation("gen1", 0, 0, 10, 15, 39, 0),
            generation("gen2", 38711, 0, 10, 2, 0, 0),
            generation("frozen", 0),
        ],
    )
    return row._replace(**changes)


class FakeSession:
    """Answers from what was added; counts what it was asked for."""

    def __init__(self) -> None:
        self.reached = 6
        self.target = _abi.Target("core", "core.25402", 25402, "/usr/bin/python3.11", 1, 1, 0, 0)
        self.types: List[_abi.TypeRow] = []
        self.objects: Dict[int, _abi.Object] = {}
        self.numbers: Dict[int, int] = {}  # by address
        self.values: Dict[int, str] = {}
        self.owners: Dict[int, str] = {}
        self.roots: Dict[int, _abi.Root] = {}
        self.edges: List[_abi.Edge] = []
        self.words: Dict[int, List[_abi.Word]] = {}
        self.native: Dict[int, List[_abi.Candidate]] = {}
        self.dicts: Dict[int, Dict[str, int]] = {}
        self.problems: List[_abi.Problem] = []
        self.findings: List[_abi.Finding] = []
        self.allocations: Dict[int, _abi.Allocation] = {}  # by address
        self.decoders: List[_abi.DecoderRow] = []
        self.modules: List[_abi.Module] = []
        self.threads: List[_abi.Thread] = []
        self.interpreters = [interpreter()]
        self.python = python()
        self.arenas = _abi.Arenas([], [])
        self.proofs: List[_abi.Proof] = []
        self.fields: List[_abi.FieldRow] = []
        self.components: List[tuple] = []  # (numbers, reachable, program)
        self.replay: Dict[str, List[int]] = {}
        self.rings: List[List[_abi.Edge]] = []
        self.summary: Dict[str, int] = {}
        self.needed: List[int] = []
        self.exported = [b'{"kind":"header"}\n', b'{"kind":"object"}\n']

    # ---- building ----

    def type(self, name: str, module: str = "builtins", **more: Any) -> int:
        row = dict(
            addr=0x900000 + 0x100 * len(self.types),
            name=name,
            module=module,
            read_by="decoder list",
            basicsize=16,
            itemsize=0,
            flags=0,
            count=0,
            size=0,
            bytes=0,
        )
        row.update(more)
        self.types.append(_abi.TypeRow(**row))
        return len(self.types) - 1

    def type_id(self, name: str) -> int:
        for i, row in enumerate(self.types):
            if row.name == name:
                return i
        return self.type(name)

    def object(self, addr: int, type_name: str, refcnt: int = 1, **more: Any) -> int:
        number = len(self.objects)
        kind = self.type_id(type_name)
        value = more.pop("value", f"<{type_name} object>")
        row = dict(
            addr=addr,
            type_addr=self.types[kind].addr,
            number=number,
            type=kind,
            refcnt=refcnt,
            raw=(refcnt, 0),
            size=56,
            bytes=64,
            remainder=0,
            located=0,
            unexplained=0,
            block=addr - 16,
            block_size=64,
            immortal=0,
            size_is_block=0,
            is_gc=1,
            is_static=0,
            gc="gen2",
            interp=0,
        )
        row.update(more)
        self.objects[number] = _abi.Object(**row)
        self.numbers[addr] = number
        self.values[addr] = value
        old = self.types[kind]
        self.types[kind] = old._replace(
            count=old.count + 1, size=old.size + row["size"], bytes=old.bytes + row["bytes"]
        )
        return number

    def root(self, kind: str, name: str, addr: int, **more: Any) -> int:
        number = FIRST_ROOT + len(self.roots)
        row = dict(
            number=number, interp=0, kind=kind, name=name, addr=addr, file="", line=0, thread=0
        )
        row.update(more)
        self.roots[number] = _abi.Root(**row)
        return number

    def edge(self, src: int, dst: int, name: str, kind: int = 0, visited: int = 1) -> _abi.Edge:
        row = _abi.Edge(src, dst, self._addr(src), self._addr(dst), 0, name, kind, visited)
        self.edges.append(row)
        return row

    def _addr(self, number: int) -> int:
        rows: Dict[int, Any] = self.roots if number >= FIRST_ROOT else self.objects
        return rows[number].addr

    # ---- the library's questions ----

    def need(self, stage: int, progress: Any = None) -> None:
        self.needed.append(stage)

    def close(self) -> None:
        pass

    def __enter__(self) -> "FakeSession":
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def session_target(self) -> Any:
        return self.target

    def session_problems(self) -> List[Any]:
        return self.problems

    def session_modules(self) -> List[Any]:
        return self.modules

    def python_info(self) -> Any:
        return self.python

    def layout_proofs(self) -> List[Any]:
        return self.proofs

    def layout_fields(self) -> List[Any]:
        return self.fields

    def interpreter_list(self) -> List[Any]:
        return self.interpreters

    def thread_list(self) -> List[Any]:
        return self.threads

    def value_text(self, addr: int, size: int = 512) -> tuple:
        if addr not in self.values:
            raise InspectError(Status.ERR_NO_OBJECT, addr, "no object")
        return self.values[addr][:size], len(self.values[addr]) > size

    def dict_get(self, addr: int, key: str) -> int:
        if addr not in self.dicts:
            raise InspectError(Status.ERR_NO_OBJECT, addr, "no dict")
        return self.dicts[addr].get(key, 0)

    def find(self, addr: int) -> Any:
        blank = {**dict.fromkeys(_abi.Place._fields, 0), "module": "", "section": "", "symbol": ""}
        if addr in self.numbers:
            return _abi.Place(**{**blank, "kind": 1, "object": addr, "exact": 1, "readable": 1})
        for start in self.numbers:
            if start - 32 <= addr < start + 56:
                blank.update(kind=1, object=start, offset=addr - start, readable=1)
                return _abi.Place(**blank)
        return _abi.Place(**{**blank, "readable": int(addr > 0x1000)})

    def collector_at(self, thread: int, pointer: int) -> List[Any]:
        return []

    def dangling(self, start: int, end: int) -> List[Any]:
        return []

    def heap_summary(self) -> Any:
        rows = self.types
        found = dict.fromkeys(_abi.Summary._fields, 0)
        found.update(
            objects=sum(row.count for row in rows),
            size=sum(row.size for row in rows),
            bytes=sum(row.bytes for row in rows),
            edges=len(self.edges),
            numbers=len(self.objects),
            first_root=FIRST_ROOT,
            roots=len(self.roots),
            types=len(rows),
        )
        found.update(self.summary)
        return _abi.Summary(**found)

    def type_list(self) -> List[Any]:
        return self.types

    def object_at(self, addr: int) -> Any:
        if addr not in self.numbers:
            raise InspectError(Status.ERR_NO_OBJECT, addr, f"no object at {addr:#x}")
        return self.objects[self.numbers[addr]]

    object_look = object_at

    def object_number(self, number: int) -> Any:
        return self.objects[number]

    def object_columns(self, numbers: Any) -> tuple:
        rows = [self.objects[n] for n in numbers]
        return (
            array("Q", [row.addr for row in rows]),
            array("I", [row.type for row in rows]),
            array("q", [row.size for row in rows]),
        )

    def object_words(self, addr: int) -> List[Any]:
        return self.words.get(addr, [])

    def objects_between(self, start: int, end: int) -> Any:
        found = sorted((addr, n) for addr, n in self.numbers.items() if start <= addr < end)
        return array("I", [n for _addr, n in found])

    def arena_list(self) -> Any:
        return self.arenas

    def referents(self, number: int) -> List[Any]:
        return [edge for edge in self.edges if edge.src == number]

    def items_of(self, number: int, most: int) -> Any:
        named = [e for e in self.referents(number) if e.name != "ob_type"]
        rows = [e for e in named if not e.name.startswith("key ")]
        end = most or len(rows)
        return _abi.Items(rows[:end], len(rows[end:]))

    def referents_among(self, numbers: Any) -> List[Any]:
        inside = set(numbers)
        return [edge for n in numbers for edge in self.referents(n) if edge.dst in inside]

    def export_inside(self, numbers: Any, counts: Any, write: Any, tick: Any = None) -> None:
        first = 0
        for n in counts:
            rows = [
                {"src": hex(e.src_addr), "dst": hex(e.dst_addr), "name": e.name}
                for e in self.referents_among(numbers[first : first + n])
            ]
            # Pieces that end anywhere, as those of a buffer do.
            line = json.dumps(rows, ensure_ascii=False).encode() + b"\n"
            for i in range(0, len(line), 7):
                write(line[i : i + 7])
            first += n

    def search_objects(self, query: Any) -> Any:
        def fits(row: Any) -> bool:
            off = 0 if row.immortal else row.remainder
            wanted = (True, off != 0, off > 0, off < 0)[query.remainder]
            return (
                (not query.types or bool(query.types[row.type]))
                and (not query.gc or row.gc == query.gc)
                and row.size >= query.least_size
                and wanted
            )

        found = sorted((row for row in self.objects.values() if fits(row)), key=lambda r: r.addr)
        shown = found[: query.limit or None]
        size = sum(row.size for row in found)
        return _abi.Search(array("I", [row.number for row in shown]), len(found), size, size)

    def referrers(self, number: int) -> List[Any]:
        return [edge for edge in self.edges if edge.dst == number]

    def root_at(self, number: int) -> Any:
        return self.roots[number]

    def whose(self, number: int) -> str:
        return self.owners.get(number, "")

    def candidates_of(self, number: int) -> Any:
        return _abi.Candidates(self.native.get(number, []), 41, 2, 1212, 0)

    def check_decoders(self, per_type: int) -> Any:
        return self.decoders

    def unbalanced(self) -> Any:
        return array("I", [n for n, row in self.objects.items() if row.remainder])

    def garbage_replay(self) -> Any:
        lists = [name for name in _abi.Garbage._fields if name != "tracked"]
        found = {name: array("I", self.replay.get(name, [])) for name in lists}
        found["tracked"] = self.replay.get("tracked", sum(1 for o in self.objects.values() if o.gc))
        return _abi.Garbage(**found)

    def cycle_list(self) -> Any:
        rows, members = [], array("I")
        for numbers, reachable, program in self.components:
            size = sum(self.objects[n].size for n in numbers)
            ages = [self.objects[n].gc for n in numbers if self.objects[n].gc]
            gc = max(ages, default=None)
            rows.append(_abi.Component(len(members), len(numbers), size, reachable, program, gc))
            members.extend(numbers)
        return _abi.Cycles(rows, members)

    def rings_through(self, number: int, limit: int) -> Any:
        rings = [ring for ring in self.rings if ring[0].src == number][:limit]
        return _abi.Rings([e for ring in rings for e in ring], array("Q", map(len, rings)))

    def _starts(self) -> List[List[int]]:
        rows = self.objects.items()
        static = [n for n, row in rows if row.immortal or row.is_static]
        return [list(self.roots), static, [n for n, row in rows if row.remainder > 0]]

    def _ways(self, starts: List[int], without: int = -1) -> Dict[int, List[Any]]:
        ways: Dict[int, List[Any]] = {start: [] for start in starts if start != without}
        queue = list(ways)
        for at in queue:
            for edge in self.edges:
                if edge.src == at and edge.kind == 0 and edge.dst not in (*ways, without):
                    ways[edge.dst] = ways[at] + [edge]
                    queue.append(edge.dst)
        return ways

    def _lost(self, number: int) -> Any:
        starts = [n for some in self._starts() for n in some]
        return self._ways(starts).keys() - self._ways(starts, number).keys()

    def retained_by(self, number: int) -> Any:
        lost = {n: self._lost(n) for n in self._lost(number)}
        below = [n for n in lost if n != number and sum(n in others for others in lost.values()) == 2]
        rows = [self._retained_row(n, lost[n]) for n in below]
        own = self._retained_row(number, lost.get(number, ()))
        return _abi.Retained(own.objects, own.bytes, sorted(rows, key=lambda r: -r.bytes))

    def retained_most_by(self, limit: int) -> Any:
        rows = [self._retained_row(n, self._lost(n)) for n in self.objects]
        rows = sorted((row for row in rows if row.objects), key=lambda row: -row.bytes)
        return _abi.Retained(0, 0, rows[: limit or None])

    def _retained_row(self, number: int, lost: Any) -> Any:
        return _abi.RetainedRow(number, len(lost), sum(self.objects[n].bytes for n in lost))

    def path_to(self, number: int) -> Any:
        for origin, starts in enumerate(self._starts(), 1):
            ways = self._ways(starts)
            if number in ways:
                way = ways[number]
                return _abi.Path(origin, way[0].src if way else number, way)
        return _abi.Path(0, _abi.INSP_NONE, [])

    def session_findings(self) -> Any:
        return _abi.Findings([], 0)

    def allocation_of(self, addr: int) -> Any:
        return self.allocations.get(addr, _abi.Allocation(0, [], 0))

    def heap_findings(self) -> Any:
        return _abi.Findings(self.findings, 0)

    def write_core(self, write: Any, zeros: Any, tick: Any = None) -> None:
        write(b"head")
        zeros(8192)
        write(b"tail")
        zeros(3 << 20)

    def export(self, write: Any, format: Any = None, tick: Any = None) -> None:
        for piece in self.exported:
            write(piece)


def arguments(**given: Any) -> SimpleNamespace:
    """Parsed arguments of any verb, with those that every verb has."""
    return SimpleNamespace(**{"limit": None, "format": "text", **given})


def shop() -> FakeSession:
    """The program of the screens, as far as these speak of it."""
    s = FakeSession()
    s.type("type", basicsize=904)
    s.type("dict", basicsize=48)
    s.type("Worker", "__main__", basicsize=48)
    s.type("Session", "__main__", basicsize=24, addr=0x41383A0)
    main = s.object(0x7FFBF8137540, "dict", 2, value="{'__name__': '__main__'}")
    worker = s.object(0x7FFBF7817890, "Worker", 2, value="<Worker object>")
    config = s.object(0x7FFBF7FC8300, "dict", 3, value="{'currency': 'EUR', 'retries': 3}")
    bad = s.object(0x7FFBF6E00BC0, "list", 1, value="[{...}]")
    row = s.object(
        0x7FFBF783E340,
        "dict",
        4,
        remainder=2,
        located=1,
        unexplained=1,
        gc="untracked",
        value="{'id': 'r-17', 'qty': 'x7', 'line': 17}",
    )
    cache = s.object(0x7FFBF7E54840, "dict", 1, value="{10000: <Order>}")
    queue = s.object(0x7FFBF7F917B0, "deque", 1)
    batch = s.object(0x7FFBF783E380, "list", 3, remainder=-1, value="['a-1', 'a-2']")
    frame = s.root("frame", "serve()", 0x7FFBF84A9090, file="/srv/orders.py", line=34, thread=25402)
    s.owners.update({main: "globals of __main__", bad: ".bad of Worker 0x7ffbf7817890"})
    s.owners.update(
        {cache: "CACHE in globals of __main__", queue: ".queue of Worker 0x7ffbf7817890"}
    )
    s.edge(main, config, "['CONFIG']")
    s.edge(worker, config, ".config")
    s.edge(frame, config, "local 'config'")
    s.edge(bad, row, "[0]")
    s.edge(frame, row, "local 'row'")
    for src, name in (
        (cache, "['batch']"),
        (worker, ".last"),
        (queue, "[0]"),
        (frame, "local 'batch'"),
    ):
        s.edge(src, batch, name)
    s.native[row] = [
        _abi.Candidate(
            0x7FFBF7EBF128,
            row,
            "module data",
            "/srv/_rowcache.cpython-311-x86_64-linux-gnu.so",
            ".bss",
            8,
            "last_bad_row",
        )
    ]
    s.modules = [
        _abi.Module(0, 1, "/usr/bin/python3.11", "c5", ""),
        _abi.Module(0, 1, "/srv/_rowcache.cpython-311-x86_64-linux-gnu.so", "", ""),
        _abi.Module(
            0, 1, "/usr/lib/python3.11/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so", "", ""
        ),
    ]
    s.threads = [_thread()]
    s.dicts[main] = {}
    s.dicts[0x7FFBF8137540] = {"CONFIG": 0x7FFBF7FC8300, "row": 0x7FFBF783E340}
    _sessions(s)
    return s


def _thread() -> Any:
    frame = _abi.Frame(
        addr=0x7FFBF84A9090,
        code=0x7FFBF7000000,
        globals=0x7FFBF8137540,
        builtins=0,
        locals_dict=0,
        frame_object=0,
        owner=0,
        function="serve",
        file="/srv/orders.py",
        line=34,
        locals=[_abi.Local("config", 0x7FFBF7FC8300, "local"), _abi.Local("later", 0, "local")],
    )
    return _abi.Thread(0xA70000, 1, 25402, 0, 1, 0, 0, [frame])


def _sessions(s: FakeSession) -> None:
    """39 forgotten cycles of a Session and its cart, and the class, which 40 instances own."""
    cls = s.object(0x41383A0, "type", 44, value="<class '__main__.Session'>")
    garbage: List[int] = []
    for i in range(40):
        base = 0x7FFBF7000000 + 0x1000 * i
        session = s.object(base, "Session", 1, gc="gen0")
        cart = s.object(base + 0x70, "dict", 1, size=184, gc="gen0", value="{'session': ...}")
        s.edge(session, cls, "ob_type")
        s.edge(session, cart, ".cart")
        s.edge(cart, session, "['session']")
        s.components.append(([session, cart], int(i == 39), 0))
        if i < 39:
            garbage += [session, cart]
    main, tup, g1, g2 = (
        s.numbers[0x7FFBF8137540],
        s.object(0x7FFBF7EFF6C0, "tuple", 1),
        s.object(0x7FFBF7E42080, "getset_descriptor", 1),
        s.object(0x7FFBF7E420D0, "getset_descriptor", 1),
    )
    s.owners.update({tup: "its own .__mro__", g1: "Session.__dict__", g2: "Session.__weakref__"})
    s.edge(main, cls, "['Session']")
    s.edge(tup, cls, "[0]")
    s.edge(g1, cls, ".__objclass__")
    s.edge(g2, cls, ".__objclass__")
    held = s.numbers[0x7FFBF7000000 + 0x1000 * 39]
    frame = next(iter(s.roots))
    s.edge(frame, held, "local 's'")
    s.replay = {"unreachable": garbage}


def lines_of(module: Any, answer: Any, spelling: Optional[Any] = None) -> List[str]:
    """A verb's text without looks, in gdb's spelling."""
    from refscope import text, verbs

    return module.as_text(answer, text.plain, spelling or text.in_gdb(verbs.BY_NAME))
