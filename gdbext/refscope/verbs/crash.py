# SPDX-License-Identifier: MIT
"""crash: how the target died, as far as its registers and objects tell."""

import argparse
import os
import signal as signals
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Set, Tuple

from .. import text, verb
from ..book import Book, Dangling, Holder, called, dangling, foreign_extensions, hexa, module_name
from ..session import Access, InspectError
from ..session import PlaceKind as Kind
from .what import Fact

_NEAR_NULL = 4096
_WORDS = {Access.READ: "reading", Access.WRITE: "writing", Access.EXECUTE: "executing"}
_FILLS = {
    0xDD: ("use-after-free", "freed memory"),
    0xCD: ("uninitialised", "memory never written"),
    0xFD: ("overrun", "the guard bytes around a block"),
}
"""What the debug hooks write (Objects/obmalloc.c), and what a pointer made of it means."""
_ENTRIES = 8  # pointers that are looked into: those at fault, then registers
_CALLEES = ("rdi", "rsi", "rbx", "rbp", "r12", "r13", "r14", "r15", "rax", "rdx", "rcx")


@dataclass
class Suspect:
    """A pointer that was in use when the thread died, and what is wrong with what it points to."""

    addr: int
    cause: str  # a word of the table of causes in `body`
    words: str  # "a freed block", as the first sentence says it
    facts: List[Fact] = field(default_factory=list)
    dangling: List[Dangling] = field(default_factory=list)
    from_code: bool = False  # the instruction itself took it


@dataclass
class Answer:
    """A cause, and what it rests on."""

    fault: Any
    cause: str = "unknown"
    sure: str = "possible"
    head: str = ""
    facts: List[Fact] = field(default_factory=list)
    suspects: List[Suspect] = field(default_factory=list)
    findings: List[Any] = field(default_factory=list)
    deficits: List[Fact] = field(default_factory=list)
    foreign: List[str] = field(default_factory=list)
    container: Optional[Tuple[Holder, str, int]] = None  # the collector was on, by slot, pointer
    memory: int = 0  # bytes of the heap, where they ran out
    limit: Optional[int] = None


# ---- question -------------------------------------------------------------------------------


def ask(session: Any, args: argparse.Namespace) -> Answer:
    """Say how the target died."""
    book = Book(session)
    answer = Answer(session.fault_info(), limit=args.limit)
    answer.foreign = foreign_extensions(session.session_modules())
    answer.findings = list(session.heap_findings().rows)
    _what_happened(book, answer)
    _where(book, answer)
    answer.suspects = _suspects(book, answer.fault)
    answer.deficits = _deficits(book)
    _conclude(book, answer)
    return answer


def _signal_name(number: int) -> str:
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _what_happened(book: Book, answer: Answer) -> None:
    fault = answer.fault
    words = _signal_name(fault.signal) if fault.signal else "no signal is known of"
    if fault.has_addr:
        words += f", {_WORDS.get(fault.access, 'at')} {fault.addr:#x}"
    collecting = any(row.gc_collecting for row in book.session.interpreter_list())
    if collecting:
        words += ", while the collector was running"
    answer.facts.append(Fact("certain", f"{words}; thread {fault.thread}"))
    if collecting:
        _on_container(book, answer)
    if fault.has_pointer:
        parts = f"{fault.base_register} is {fault.pointer:#x}"
        if fault.index_register:
            parts += f", plus {fault.index_register} {fault.index:#x}"
        parts += f", plus {fault.displacement:#x}" if fault.displacement else ""
        answer.facts.append(Fact("certain", f"the instruction '{fault.mnemonic}' took it: {parts}"))
    for hop in fault.hops:
        where = f"{hop.holder:#x}{hop.offset:+#x}"
        answer.facts.append(
            Fact("likely", f"that was loaded from {where}, which reads {hop.value:#x}")
        )
    if fault.abort_message:
        said = text.clean(fault.abort_message.strip())
        answer.facts.append(Fact("certain", f"the C library gave up: {said}"))
    if fault.fatal_error:
        answer.facts.append(Fact("likely", f"Fatal Python error: {text.clean(fault.fatal_error)}"))


def _on_container(book: Book, answer: Answer) -> None:
    """Which container the collector was visiting: it refers to the pointer at fault, or to what that came from."""
    fault = answer.fault
    for pointer in [hop.holder for hop in reversed(fault.hops)] + [fault.pointer]:
        edges = book.session.collector_at(fault.thread, pointer) if pointer else []
        if edges:
            holder = book.holder(edges[0].src)
            answer.container = (holder, text.clean(edges[0].name), pointer)
            words = f"the collector was on {holder.type} {hexa(holder.addr)}"
            path = f" {text.shorten(holder.path, 40)}," if holder.path else ""
            slot = text.shorten(answer.container[1], 40)
            answer.facts.append(Fact("likely", f"{words},{path} whose {slot} is {pointer:#x}"))
            return


def _code(place: Any) -> str:
    if not place.module:
        return hexa(place.pc)
    words = f"{module_name(place.module)}+{place.module_offset:#x}"
    if place.symbol:
        words += f" {text.shorten(place.symbol, 48)}+{place.symbol_offset:#x}"
    return words


def _where(book: Book, answer: Answer) -> None:
    places = answer.fault.places
    if places:
        answer.facts.append(Fact("certain", f"at {_code(places[0])}"))
    callers = [_code(place) for place in places[1:5]]
    if callers:
        answer.facts.append(Fact("possible", "called by " + ", ".join(callers)))
    threads = book.session.thread_list()
    mine = [row for row in threads if row.tid == answer.fault.thread]
    for thread in mine:
        for frame in thread.frames[:3]:
            place = f"{os.path.basename(text.clean(frame.file))}:{frame.line}"
            words = f"Python: {text.shorten(frame.function, 40)}() at {place}"
            answer.facts.append(Fact("certain", words))
        for what, addr in (("in flight", thread.exception), ("being handled", thread.handled)):
            if addr:
                words = f"exception {what}: {addr:#x} {book.value(addr)}"
                answer.facts.append(Fact("certain", words))
                _out_of_memory(book, answer, addr)
    if threads and not mine and all(row.tid for row in threads):
        answer.facts.append(Fact("likely", "this thread has no thread state of Python"))


def _out_of_memory(book: Book, answer: Answer, exception: int) -> None:
    """Where memory ran out, what holds most of it."""
    try:
        row = book.at(exception)
    except InspectError:
        return
    if book.full_type_name(row) not in ("MemoryError", "builtins.MemoryError"):
        return
    answer.memory = book.summary.bytes
    most = sorted(book.types, key=lambda each: -each.bytes)[:3]
    shown = ", ".join(
        f"{text.shorten(each.name, 24)} {text.size(each.bytes)} ({text.number(each.count)})"
        for each in most
    )
    words = f"the heap holds {text.plural(book.summary.objects, 'object')}; most of it is {shown}"
    answer.facts.append(Fact("certain", words))


# ---- pointers -------------------------------------------------------------------------------


def _suspects(book: Book, fault: Any) -> List[Suspect]:
    """Pointers in use to what is no sound object: those the instruction took first."""
    named = {row.name: row.value for row in fault.registers}
    taken = [hop.holder for hop in reversed(fault.hops)]
    if fault.has_pointer:
        taken.insert(0, fault.pointer)
    found: List[Suspect] = []
    met: Set[int] = set()
    for addr in taken + [named[name] for name in _CALLEES if name in named]:
        if addr in met or addr < _NEAR_NULL or len(found) == _ENTRIES:
            continue
        met.add(addr)
        suspect = _look(book, addr)
        if suspect:
            suspect.from_code = addr in taken
            found.append(suspect)
    return found


def _look(book: Book, addr: int) -> Optional[Suspect]:
    """What is wrong with an object at an address; None where nothing is known to be."""
    place = book.session.find(addr)
    slots = [] if place.exact else dangling(book, addr, addr + 1)
    if place.kind in (Kind.FREE_BLOCK, Kind.EMPTY_POOL, Kind.VIRGIN_POOL, Kind.VIRGIN_BLOCK):
        if place.kind != Kind.FREE_BLOCK and not slots:
            return None
        return _freed(book, addr, place, slots)
    if place.exact:
        row = book.at(addr)
        if row.remainder < 0 and not row.immortal:
            words = f"refcount {row.refcnt:,}, but {row.refcnt - row.remainder:,} references own it"
            name = called(book.type_name(row), addr, book.own_name(row), text.plain)
            return Suspect(addr, "over-released", name, [Fact("certain", words)])
        return None
    if not slots:
        return None
    if place.object and place.kind in (Kind.OBJECT, Kind.BODY):
        return _reused(book, addr, place, slots)
    if not place.readable:
        return Suspect(addr, "wild-pointer", "a pointer to no memory", [], slots)
    return _broken(book, addr, place, slots)


def _type_offset(session: Any) -> int:
    """Where ob_type stands in an object: free-threaded builds have more before it."""
    for row in session.layout_fields():
        if (row.structure, row.field) == ("PyObject", "ob_type"):
            return int(row.offset)
    return 8


def _old_type(book: Book, addr: int) -> List[Fact]:
    """What the bytes of a dead object say it was: the type outlives the free list's link."""
    try:
        word = book.session.find(addr + _type_offset(book.session)).word
        row = book.at(word)
    except InspectError:
        return []
    if not _is_type(book, row):
        return []
    name = book.own_name(row) or "instance"
    return [Fact("likely", f"it was a {name}: its old type is still there")]


def _is_type(book: Book, row: Any) -> bool:
    kind = book.type_row(row)
    return kind is not None and bool(kind.flags & (1 << 31))


def _freed(book: Book, addr: int, place: Any, slots: List[Dangling]) -> Suspect:
    facts = []
    if place.block:
        block = f"block {place.block:#x} ({place.block_size} bytes)"
        words = f"{addr:#x} lies in {block}, which is free"
        facts.append(Fact("certain", words))
    facts.extend(_old_type(book, addr))
    return Suspect(addr, "use-after-free", "a freed block", facts, slots)


def _reused(book: Book, addr: int, place: Any, slots: List[Dangling]) -> Suspect:
    row = book.at(place.object)
    value = book.own_name(row) or book.value(row.addr)
    words = f"{addr:#x} lies inside {book.type_name(row)} {row.addr:#x} {value}".rstrip()
    facts = [Fact("certain", f"{words}: no object starts there")]
    facts.append(Fact("likely", "what was there before was freed, and its memory handed out again"))
    return Suspect(addr, "use-after-free", "freed memory that is in use again", facts, slots)


def _broken(book: Book, addr: int, place: Any, slots: List[Dangling]) -> Suspect:
    offset = _type_offset(book.session)
    word = book.session.find(addr + offset)
    said = f"the word at +{offset}, ob_type of an object, reads {word.word:#x}: no type"
    facts = [Fact("certain", said)]
    cause, words = "header-overwritten", "an object whose header is overwritten"
    if word.word == 0:
        cause, words = "null-type", "an object whose type is NULL"
    if place.kind == Kind.BLOCK and place.block_index > 0:
        before = book.session.find(place.block - 1)
        if before.object:
            row = book.at(before.object)
            value = f"{book.type_name(row)} {row.addr:#x} {book.value(row.addr)}".rstrip()
            facts.append(Fact("certain", f"in the block before it: {value}"))
    if place.kind == Kind.BLOCK:
        instead = "or it was freed, and its memory handed out again for something else"
        facts.append(Fact("possible", instead))
    return Suspect(addr, cause, words, facts, slots)


def _deficits(book: Book) -> List[Fact]:
    """Objects that were released too often, the worst ones first."""
    found = []
    for number in book.session.unbalanced()[:3]:
        row = book.object(number)
        if row.remainder < 0:
            name = called(book.type_name(row), row.addr, book.own_name(row), text.plain)
            words = f"{name}: refcount {row.refcnt:,}, {row.refcnt - row.remainder:,} owners"
            found.append(Fact("certain", words))
    return found


# ---- verdict --------------------------------------------------------------------------------


def _conclude(book: Book, answer: Answer) -> None:
    """The first sentence. Certain is only what the instruction itself shows."""
    for judge in (_memory, _no_crash, _stack_overflow, _gave_up, _taken, _null, _in_registers, _wild):
        if judge(book, answer):
            return
    if answer.deficits:
        answer.cause, answer.sure = "over-released", "possible"
        answer.head = f"Perhaps over-released: {answer.deficits[0].words}."
        return
    places = answer.fault.places
    where = f" in {_code(places[0])}" if places else ""
    name = _signal_name(answer.fault.signal) if answer.fault.signal else "A fault"
    answer.head = f"Not a Python matter as far as its objects tell: {name}{where}."


def _memory(_book: Book, answer: Answer) -> bool:
    """An abort, or no crash at all, while a MemoryError is in flight or being handled."""
    if not answer.memory or answer.fault.signal not in (0, signals.SIGABRT):
        return False
    answer.cause, answer.sure = "out-of-memory", "likely"
    answer.head = f"Out of memory: objects take {text.size(answer.memory)}."
    return True


def _no_crash(_book: Book, answer: Answer) -> bool:
    if answer.fault.signal or answer.fault.has_addr:
        return False
    answer.cause, answer.sure = "none", "likely"
    answer.head = "This target did not crash, as far as its threads tell."
    return True


def _stack_overflow(_book: Book, answer: Answer) -> bool:
    fault = answer.fault
    if not fault.overflow:
        return False
    size = text.size(fault.stack_end - fault.stack_start)
    answer.cause, answer.sure = "stack-overflow", "certain"
    answer.head = f"Stack overflow: thread {fault.thread} used up its stack of {size}."
    return True


def _gave_up(_book: Book, answer: Answer) -> bool:
    fault = answer.fault
    if fault.signal != signals.SIGABRT:
        return False
    if fault.abort_message:
        said = text.clean(fault.abort_message.strip()).rstrip(".")
        asserted = "Assertion `" in said
        answer.cause, answer.sure = "assertion" if asserted else "malloc-corruption", "certain"
        answer.head = f"The C library gave up: {said}."
        return True
    if fault.fatal_error:
        answer.cause, answer.sure = "fatal-error", "likely"
        answer.head = f"Fatal Python error: {text.clean(fault.fatal_error)}."
        return True
    return False


def _taken(_book: Book, answer: Answer) -> bool:
    return _blame(answer, [suspect for suspect in answer.suspects if suspect.from_code])


def _in_registers(_book: Book, answer: Answer) -> bool:
    """What lies in registers by chance says nothing of a signal that no instruction raised."""
    raised = answer.fault.has_addr or answer.fault.has_pointer
    others = [suspect for suspect in answer.suspects if suspect.cause != "over-released"]
    return _blame(answer, [suspect for suspect in others if raised or suspect.dangling])


def _blame(answer: Answer, suspects: List[Suspect]) -> bool:
    if not suspects:
        return False
    suspect = suspects[0]
    answer.cause = suspect.cause
    answer.sure = "likely" if suspect.from_code or suspect.dangling else "possible"
    label = {
        "use-after-free": "Use after free",
        "over-released": "Over-released",
        "header-overwritten": "Overwritten object",
        "null-type": "NULL type",
        "wild-pointer": "Wild pointer",
    }[suspect.cause]
    answer.head = f"{label}: {suspect.words}"
    if hexa(suspect.addr) not in suspect.words:
        answer.head += f" at {suspect.addr:#x}"
    if suspect.dangling:
        slot = suspect.dangling[0]
        holder = f"{slot.holder.type} {slot.holder.addr:#x}"
        answer.head += f", which {text.shorten(slot.slot, 32)} of {holder} still refers to"
    answer.head += "."
    return True


def _null(book: Book, answer: Answer) -> bool:
    fault = answer.fault
    if not fault.has_addr or fault.addr >= _NEAR_NULL:
        return False
    if fault.access == Access.EXECUTE:
        answer.cause, answer.sure = "null-call", "certain"
        answer.head = f"A call through NULL: the thread was to execute {fault.addr:#x}."
        return True
    if not fault.has_pointer or fault.pointer != 0:
        return False
    answer.cause, answer.sure = "null-pointer", "certain"
    holder = _holder_words(book, fault)
    answer.head = f"A NULL pointer was used: NULL + {fault.addr:#x}{holder}."
    for row in book.session.layout_fields():
        named = row.structure in ("PyObject", "PyTypeObject") and not row.field.startswith("<")
        if named and row.offset == fault.addr:
            words = f"NULL + {fault.addr:#x} is where {row.field} of a {row.structure} would be"
            answer.facts.append(Fact("possible", words))
    return True


def _holder_words(book: Book, fault: Any) -> str:
    if not fault.hops:
        return ""
    hop = fault.hops[-1]
    try:
        row = book.at(hop.holder)
    except InspectError:
        dying = _dying_type(book, hop.holder)
        if dying:
            return f", read from +{hop.offset} of {dying} {hop.holder:#x}, which is being deallocated"
        return f", read from {hop.holder:#x}{hop.offset:+#x}"
    name = called(book.type_name(row), row.addr, book.own_name(row), text.plain)
    return f", read from +{hop.offset} of {name}"


def _dying_type(book: Book, addr: int) -> str:
    """The type's name where an object lies whose count is 0: its tp_dealloc runs."""
    place = book.session.find(addr)
    if place.kind != Kind.BLOCK or place.word != 0:
        return ""
    try:
        row = book.at(book.session.find(addr + _type_offset(book.session)).word)
    except InspectError:
        return ""
    return book.own_name(row) if _is_type(book, row) else ""


def _wild(book: Book, answer: Answer) -> bool:
    fault = answer.fault
    if fault.access == Access.EXECUTE:
        answer.cause, answer.sure = "wild-call", "certain"
        answer.head = f"A call to where no code is: {fault.addr:#x}."
        return True
    if not fault.has_pointer or not fault.has_addr:
        return False
    answer.cause, answer.sure = "wild-pointer", "certain"
    fill = _FILLS.get(fault.pointer & 0xFF)
    if fill and fault.pointer == (fault.pointer & 0xFF) * 0x0101010101010101:
        hooked = "debug hooks" in book.session.python_info().allocator
        answer.cause, answer.sure = fill[0], "certain" if hooked else "possible"
        where = _holder_words(book, fault)
        answer.head = f"A pointer read from {fill[1]}, under PYTHONMALLOC=debug{where}."
        return True
    written = fault.access == Access.WRITE
    what = "What cannot be written was written to" if written else "A wild pointer"
    answer.head = f"{what}: {fault.pointer:#x}{_holder_words(book, fault)}."
    return True


# ---- JSON -----------------------------------------------------------------------------------


def _facts_json(facts: List[Fact]) -> List[Dict[str, str]]:
    return [{"sure": fact.sure, "text": fact.words} for fact in facts]


def _container_json(answer: Answer) -> Optional[Dict[str, Any]]:
    if not answer.container:
        return None
    holder, slot, target = answer.container
    return {"holder": holder.as_json(), "slot": slot, "target": hexa(target)}


def as_json(answer: Answer) -> Dict[str, Any]:
    """The cause, the fault, every pointer that was looked into."""
    fault = answer.fault
    return {
        "cause": answer.cause,
        "sure": answer.sure,
        "sentence": answer.head,
        "signal": fault.signal or None,
        "thread": fault.thread,
        "addr": hexa(fault.addr) if fault.has_addr else None,
        "pointer": hexa(fault.pointer) if fault.has_pointer else None,
        "container": _container_json(answer),
        "facts": _facts_json(answer.facts),
        "suspects": [
            {
                "addr": hexa(suspect.addr),
                "cause": suspect.cause,
                "by_instruction": suspect.from_code,
                "facts": _facts_json(suspect.facts),
                "dangling": [slot.as_json() for slot in suspect.dangling],
            }
            for suspect in answer.suspects
        ],
        "deficits": _facts_json(answer.deficits),
        "findings": [
            {"rule": row.rule, "addr": hexa(row.addr), "text": text.clean(row.text)}
            for row in answer.findings
        ],
        "extensions": answer.foreign,
    }


# ---- text -----------------------------------------------------------------------------------


def _lines(facts: List[Fact]) -> List[str]:
    lines: List[str] = []
    for fact in facts:
        lines.extend(text.wrap(f"{fact.sure:<9}{fact.words}", 11, 2))
    return lines


def as_text(answer: Answer, style: text.Style, spelling: text.Spelling) -> List[str]:
    """The verdict, what happened, the pointers, what else is wrong."""
    lines = text.wrap(answer.head)
    lines.append(f"  the verdict is {answer.sure}")
    lines += ["", "what happened"] + _lines(answer.facts)
    for suspect in answer.suspects:
        lines += ["", f"the pointer {suspect.addr:#x}: {suspect.words}"] + _lines(suspect.facts)
        shown, rest = text.cut(suspect.dangling, answer.limit)
        lines.extend(text.table([slot.cells() for slot in shown], "llll", style))
        if rest:
            lines.append(f"  {text.left_out(rest, 'slots')}")
    if answer.deficits:
        lines += ["", "released too often"] + _lines(answer.deficits)
    if answer.findings:
        lines += ["", "what else is wrong in the heap"]
        shown, rest = text.cut(answer.findings, answer.limit)
        for row in shown:
            lines.extend(text.wrap(f"certain  {row.addr:#x} {text.clean(row.text)}", 11, 2))
        if rest:
            lines.append(f"  {text.left_out(rest, 'findings')}")
    notes = text.Notes(spelling, style)
    if answer.foreign:
        notes.add("note", "extensions that are not CPython's own: " + ", ".join(answer.foreign))
    for suspect in answer.suspects[:1]:
        notes.next("what", hexa(suspect.addr), why="what lies there")
    if answer.memory:
        notes.next("retained", why="what keeps most alive")
    notes.next("audit", why="the whole heap")
    return lines + ([""] + notes.lines() if notes.lines() else [])


VERB = verb.Verb(
    name="crash",
    summary="Say how the target died, as far as its registers and objects tell.",
    stage=lambda args: verb.STAGE_NATIVE,
    ask=ask,
    as_json=as_json,
    as_text=as_text,
    options=(verb.limit("rows of each list"),),
    body="""
The instruction that the thread died at is decoded; the pointer it took, where
that was loaded from, and what the other registers point to are looked up: a
freed block, one in use again, an object whose header is overwritten or that
was released too often, NULL. Then the slots that still refer there.

"certain" is said of what registers and memory prove, "likely" of what usually
is so, "possible" of the rest. Callers in C are return addresses found on the
stack: some may be old.
""",
    examples=("crash", "crash --format json"),
    see=("what", "audit", "threads"),
)
