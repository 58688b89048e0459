# SPDX-License-Identifier: MIT
"""Generated from libinspect.h by gdbext/tools/gen_abi.py (`make gen`). Do not edit.

Structures are the C ones; records are what session.py copies them into.
"""

from __future__ import annotations

from array import array
from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint,
    c_uint32,
    c_uint64,
    c_uint8,
    c_void_p,
)
from enum import IntEnum
from typing import Any, NamedTuple, Optional

ABI_HASH = 0xC705435C
INSP_NONE = 4294967295


class Status(IntEnum):
    OK = 0
    ERR_MEMORY = 1
    ERR_IO = 2
    ERR_NOT_CORE = 3
    ERR_NO_PYTHON = 4
    ERR_UNSUPPORTED = 5
    ERR_FAULT = 6
    ERR_NO_OBJECT = 7
    ERR_REFUSED = 8
    ERR_CANCELLED = 9
    ERR_ARGUMENT = 10
    ERR_MISMATCH = 11
    ERR_CHANGED = 12
    ERR_DENIED = 13
    ERR_GONE = 14
    ERR_NEEDS_MEMORY = 15


class insp_error(Structure):
    _fields_ = [
        ("code", c_uint),
        ("reserved", c_uint32),
        ("addr", c_uint64),
        ("message", c_char * 496),
    ]


class Error(NamedTuple):
    code: Status
    addr: int
    message: str


class insp_session(Structure):
    pass


class insp_unpacking(Structure):
    _fields_ = [
        ("done", c_uint64),
        ("total", c_uint64),
        ("stop", c_uint32),
        ("reserved", c_uint32),
    ]


class Unpacking(NamedTuple):
    done: int
    total: int
    stop: int


class insp_options(Structure):
    _fields_ = [
        ("exe", c_char_p),
        ("sysroot", c_char_p),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class Options(NamedTuple):
    exe: str
    sysroot: str
    flags: int


class insp_mapping(Structure):
    _fields_ = [
        ("start", c_uint64),
        ("end", c_uint64),
        ("offset", c_uint64),
        ("path", c_char_p),
        ("flags", c_uint32),
        ("reserved", c_uint32),
    ]


class Mapping(NamedTuple):
    start: int
    end: int
    offset: int
    path: str
    flags: int


class insp_caller_thread(Structure):
    _fields_ = [
        ("tid", c_int64),
        ("registers", c_uint64 * 27),
    ]


class CallerThread(NamedTuple):
    tid: int
    registers: tuple[int, ...]


class insp_target(Structure):
    _fields_ = [
        ("source", c_char_p),
        ("path", c_char_p),
        ("pid", c_int64),
        ("exe", c_char_p),
        ("file_size", c_uint64),
        ("full_size", c_uint64),
        ("pause_ns", c_uint64),
        ("signal", c_uint32),
        ("reserved", c_uint32),
    ]


class Target(NamedTuple):
    source: str
    path: str
    pid: int
    exe: str
    file_size: int
    full_size: int
    pause_ns: int
    signal: int


class insp_problem(Structure):
    _fields_ = [
        ("kind", c_char_p),
        ("text", c_char_p),
    ]


class Problem(NamedTuple):
    kind: str
    text: str


class insp_problems(Structure):
    _fields_ = [
        ("rows", POINTER(insp_problem)),
        ("len", c_size_t),
    ]


class insp_module(Structure):
    _fields_ = [
        ("start", c_uint64),
        ("end", c_uint64),
        ("path", c_char_p),
        ("build_id", c_char_p),
        ("file", c_char_p),
    ]


class Module(NamedTuple):
    start: int
    end: int
    path: str
    build_id: str
    file: str


class insp_modules(Structure):
    _fields_ = [
        ("rows", POINTER(insp_module)),
        ("len", c_size_t),
    ]


class Stage(IntEnum):
    RUNTIME = 1
    OBJECTS = 2
    REFERENCES = 3
    REVERSE = 4
    NATIVE = 5
    RETAINED = 6


class JobState(IntEnum):
    DONE = 0
    RUNNING = 1
    NEEDS_MEMORY = 2


class insp_progress(Structure):
    _fields_ = [
        ("stage", c_uint),
        ("reserved", c_uint32),
        ("done", c_uint64),
        ("total", c_uint64),
        ("objects", c_uint64),
    ]


class Progress(NamedTuple):
    stage: Stage
    done: int
    total: int
    objects: int


class insp_job(Structure):
    pass


class insp_range(Structure):
    _fields_ = [
        ("start", c_uint64),
        ("end", c_uint64),
    ]


class Range(NamedTuple):
    start: int
    end: int


class insp_python(Structure):
    _fields_ = [
        ("version", c_char_p),
        ("hex", c_uint32),
        ("debug", c_uint32),
        ("free_threaded", c_uint32),
        ("gc_running", c_uint32),
        ("runtime", c_uint64),
        ("found_by", c_char_p),
        ("machine", c_char_p),
        ("allocator", c_char_p),
        ("module", c_char_p),
        ("build_id", c_char_p),
        ("tracemalloc", c_uint32),
        ("arena_bytes", c_uint64),
    ]


class Python(NamedTuple):
    version: str
    hex: int
    debug: int
    free_threaded: int
    gc_running: int
    runtime: int
    found_by: str
    machine: str
    allocator: str
    module: str
    build_id: str
    tracemalloc: int
    arena_bytes: int


class ProofResult(IntEnum):
    OK = 0
    FAILED = 1
    REPAIRED = 2
    UNKNOWN = 3


class insp_proof(Structure):
    _fields_ = [
        ("structure", c_char_p),
        ("source", c_char_p),
        ("text", c_char_p),
        ("needed_by", c_char_p),
        ("result", c_uint),
        ("reserved", c_uint32),
    ]


class Proof(NamedTuple):
    structure: str
    source: str
    text: str
    needed_by: str
    result: ProofResult


class insp_proofs(Structure):
    _fields_ = [
        ("rows", POINTER(insp_proof)),
        ("len", c_size_t),
    ]


class insp_field_row(Structure):
    _fields_ = [
        ("structure", c_char_p),
        ("field", c_char_p),
        ("source", c_char_p),
        ("offset", c_int32),
        ("reserved", c_uint32),
    ]


class FieldRow(NamedTuple):
    structure: str
    field: str
    source: str
    offset: int


class insp_field_rows(Structure):
    _fields_ = [
        ("rows", POINTER(insp_field_row)),
        ("len", c_size_t),
    ]


class insp_generation(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("objects", c_uint64),
        ("threshold", c_int64),
        ("count", c_int64),
        ("collections", c_int64),
        ("collected", c_int64),
        ("uncollectable", c_int64),
    ]


class Generation(NamedTuple):
    name: str
    objects: int
    threshold: int
    count: int
    collections: int
    collected: int
    uncollectable: int


class insp_interpreter(Structure):
    _fields_ = [
        ("addr", c_uint64),
        ("id", c_int64),
        ("threads", c_int64),
        ("gc_enabled", c_int32),
        ("gc_collecting", c_int32),
        ("garbage", c_uint64),
        ("long_lived_total", c_int64),
        ("long_lived_pending", c_int64),
        ("generations", POINTER(insp_generation)),
        ("n_generations", c_size_t),
    ]


class Interpreter(NamedTuple):
    addr: int
    id: int
    threads: int
    gc_enabled: int
    gc_collecting: int
    garbage: int
    long_lived_total: int
    long_lived_pending: int
    generations: list[Generation]


class insp_interpreters(Structure):
    _fields_ = [
        ("rows", POINTER(insp_interpreter)),
        ("len", c_size_t),
    ]


class insp_local(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("value", c_uint64),
        ("kind", c_char_p),
    ]


class Local(NamedTuple):
    name: str
    value: int
    kind: str


class insp_frame(Structure):
    _fields_ = [
        ("addr", c_uint64),
        ("code", c_uint64),
        ("globals", c_uint64),
        ("builtins", c_uint64),
        ("locals_dict", c_uint64),
        ("frame_object", c_uint64),
        ("owner", c_uint64),
        ("function", c_char_p),
        ("file", c_char_p),
        ("line", c_int64),
        ("locals", POINTER(insp_local)),
        ("n_locals", c_size_t),
    ]


class Frame(NamedTuple):
    addr: int
    code: int
    globals: int
    builtins: int
    locals_dict: int
    frame_object: int
    owner: int
    function: str
    file: str
    line: int
    locals: list[Local]


class insp_thread(Structure):
    _fields_ = [
        ("addr", c_uint64),
        ("ident", c_uint64),
        ("tid", c_int64),
        ("interp", c_uint32),
        ("holds_gil", c_int32),
        ("exception", c_uint64),
        ("handled", c_uint64),
        ("frames", POINTER(insp_frame)),
        ("n_frames", c_size_t),
    ]


class Thread(NamedTuple):
    addr: int
    ident: int
    tid: int
    interp: int
    holds_gil: int
    exception: int
    handled: int
    frames: list[Frame]


class insp_threads(Structure):
    _fields_ = [
        ("rows", POINTER(insp_thread)),
        ("len", c_size_t),
    ]


class Access(IntEnum):
    UNKNOWN = 0
    READ = 1
    WRITE = 2
    EXECUTE = 3


class insp_register(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("value", c_uint64),
    ]


class Register(NamedTuple):
    name: str
    value: int


class insp_hop(Structure):
    _fields_ = [
        ("holder", c_uint64),
        ("offset", c_int64),
        ("value", c_uint64),
    ]


class Hop(NamedTuple):
    holder: int
    offset: int
    value: int


class insp_code_place(Structure):
    _fields_ = [
        ("pc", c_uint64),
        ("stack", c_uint64),
        ("module", c_char_p),
        ("module_offset", c_uint64),
        ("symbol", c_char_p),
        ("symbol_offset", c_uint64),
    ]


class CodePlace(NamedTuple):
    pc: int
    stack: int
    module: str
    module_offset: int
    symbol: str
    symbol_offset: int


class insp_fault(Structure):
    _fields_ = [
        ("signal", c_uint32),
        ("code", c_int32),
        ("thread", c_int64),
        ("access", c_uint),
        ("has_addr", c_int32),
        ("addr", c_uint64),
        ("kernel_addr", c_uint64),
        ("has_kernel_addr", c_int32),
        ("has_pointer", c_int32),
        ("mnemonic", c_char_p),
        ("base_register", c_char_p),
        ("pointer", c_uint64),
        ("index_register", c_char_p),
        ("index", c_uint64),
        ("displacement", c_int64),
        ("on_stack", c_int32),
        ("overflow", c_int32),
        ("sp", c_uint64),
        ("stack_start", c_uint64),
        ("stack_end", c_uint64),
        ("hops", POINTER(insp_hop)),
        ("n_hops", c_size_t),
        ("registers", POINTER(insp_register)),
        ("n_registers", c_size_t),
        ("places", POINTER(insp_code_place)),
        ("n_places", c_size_t),
        ("abort_message", c_char_p),
        ("fatal_error", c_char_p),
    ]


class Fault(NamedTuple):
    signal: int
    code: int
    thread: int
    access: Access
    has_addr: int
    addr: int
    kernel_addr: int
    has_kernel_addr: int
    has_pointer: int
    mnemonic: str
    base_register: str
    pointer: int
    index_register: str
    index: int
    displacement: int
    on_stack: int
    overflow: int
    sp: int
    stack_start: int
    stack_end: int
    hops: list[Hop]
    registers: list[Register]
    places: list[CodePlace]
    abort_message: str
    fatal_error: str


class PlaceKind(IntEnum):
    NOWHERE = 0
    OBJECT = 1
    BODY = 2
    BLOCK = 3
    FREE_BLOCK = 4
    VIRGIN_BLOCK = 5
    POOL_HEADER = 6
    POOL_END = 7
    EMPTY_POOL = 8
    VIRGIN_POOL = 9
    ARENA_END = 10
    MODULE = 11
    STACK = 12
    MALLOC = 13
    MEMORY = 14


class insp_place(Structure):
    _fields_ = [
        ("kind", c_uint),
        ("readable", c_int32),
        ("exact", c_int32),
        ("writable", c_int32),
        ("word", c_uint64),
        ("object", c_uint64),
        ("offset", c_int64),
        ("block", c_uint64),
        ("block_size", c_uint64),
        ("block_index", c_uint32),
        ("free_rank", c_uint32),
        ("pool", c_uint64),
        ("pool_index", c_uint32),
        ("pool_blocks", c_uint32),
        ("pool_used", c_uint32),
        ("arena", c_uint32),
        ("module", c_char_p),
        ("module_offset", c_uint64),
        ("section", c_char_p),
        ("section_offset", c_uint64),
        ("symbol", c_char_p),
        ("symbol_offset", c_uint64),
        ("thread", c_int64),
        ("from_stack", c_int64),
    ]


class Place(NamedTuple):
    kind: PlaceKind
    readable: int
    exact: int
    writable: int
    word: int
    object: int
    offset: int
    block: int
    block_size: int
    block_index: int
    free_rank: int
    pool: int
    pool_index: int
    pool_blocks: int
    pool_used: int
    arena: int
    module: str
    module_offset: int
    section: str
    section_offset: int
    symbol: str
    symbol_offset: int
    thread: int
    from_stack: int


class insp_summary(Structure):
    _fields_ = [
        ("objects", c_uint64),
        ("size", c_uint64),
        ("bytes", c_uint64),
        ("edges", c_uint64),
        ("mortal", c_uint64),
        ("balanced", c_uint64),
        ("surplus", c_uint64),
        ("deficit", c_uint64),
        ("explained", c_uint64),
        ("gc_mortal", c_uint64),
        ("gc_balanced", c_uint64),
        ("gc_explained", c_uint64),
        ("dead", c_uint64),
        ("pymalloc_bytes", c_uint64),
        ("malloc_bytes", c_uint64),
        ("numbers", c_uint32),
        ("first_root", c_uint32),
        ("roots", c_uint32),
        ("types", c_uint32),
    ]


class Summary(NamedTuple):
    objects: int
    size: int
    bytes: int
    edges: int
    mortal: int
    balanced: int
    surplus: int
    deficit: int
    explained: int
    gc_mortal: int
    gc_balanced: int
    gc_explained: int
    dead: int
    pymalloc_bytes: int
    malloc_bytes: int
    numbers: int
    first_root: int
    roots: int
    types: int


class insp_type_row(Structure):
    _fields_ = [
        ("addr", c_uint64),
        ("name", c_char_p),
        ("module", c_char_p),
        ("read_by", c_char_p),
        ("basicsize", c_int64),
        ("itemsize", c_int64),
        ("flags", c_uint64),
        ("count", c_uint64),
        ("size", c_uint64),
        ("bytes", c_uint64),
    ]


class TypeRow(NamedTuple):
    addr: int
    name: str
    module: str
    read_by: str
    basicsize: int
    itemsize: int
    flags: int
    count: int
    size: int
    bytes: int


class insp_types(Structure):
    _fields_ = [
        ("rows", POINTER(insp_type_row)),
        ("len", c_size_t),
    ]


class insp_object(Structure):
    _fields_ = [
        ("addr", c_uint64),
        ("type_addr", c_uint64),
        ("number", c_uint32),
        ("type", c_uint32),
        ("refcnt", c_int64),
        ("raw", c_uint64 * 2),
        ("size", c_int64),
        ("bytes", c_int64),
        ("remainder", c_int64),
        ("located", c_int64),
        ("unexplained", c_int64),
        ("block", c_uint64),
        ("block_size", c_uint64),
        ("immortal", c_int32),
        ("size_is_block", c_int32),
        ("is_gc", c_int32),
        ("is_static", c_int32),
        ("gc", c_char_p),
        ("interp", c_int64),
    ]


class Object(NamedTuple):
    addr: int
    type_addr: int
    number: int
    type: int
    refcnt: int
    raw: tuple[int, ...]
    size: int
    bytes: int
    remainder: int
    located: int
    unexplained: int
    block: int
    block_size: int
    immortal: int
    size_is_block: int
    is_gc: int
    is_static: int
    gc: Optional[str]
    interp: int


class insp_word(Structure):
    _fields_ = [
        ("offset", c_int64),
        ("value", c_uint64),
        ("field", c_char_p),
        ("note", c_char_p),
    ]


class Word(NamedTuple):
    offset: int
    value: int
    field: str
    note: str


class insp_words(Structure):
    _fields_ = [
        ("rows", POINTER(insp_word)),
        ("len", c_size_t),
    ]


class insp_line(Structure):
    _fields_ = [
        ("file", c_char_p),
        ("line", c_uint32),
    ]


class Line(NamedTuple):
    file: str
    line: int


class insp_allocation(Structure):
    _fields_ = [
        ("size", c_uint64),
        ("rows", POINTER(insp_line)),
        ("len", c_size_t),
        ("left_out", c_uint32),
    ]


class Allocation(NamedTuple):
    size: int
    rows: list[Line]
    left_out: int


class insp_numbers(Structure):
    _fields_ = [
        ("rows", POINTER(c_uint32)),
        ("len", c_size_t),
    ]


class insp_pool(Structure):
    _fields_ = [
        ("addr", c_uint64),
        ("block_size", c_uint32),
        ("blocks", c_uint32),
        ("used", c_uint32),
        ("state", c_uint32),
    ]


class Pool(NamedTuple):
    addr: int
    block_size: int
    blocks: int
    used: int
    state: int


class insp_arena_row(Structure):
    _fields_ = [
        ("addr", c_uint64),
        ("size", c_uint64),
        ("interp", c_uint32),
        ("pools", c_uint32),
        ("free_pools", c_uint32),
        ("reserved", c_uint32),
        ("used_blocks", c_uint64),
        ("used_bytes", c_uint64),
        ("pool", POINTER(insp_pool)),
    ]


class ArenaRow(NamedTuple):
    addr: int
    size: int
    interp: int
    pools: int
    free_pools: int
    used_blocks: int
    used_bytes: int
    pool: list[Pool]


class insp_size_class(Structure):
    _fields_ = [
        ("interp", c_uint32),
        ("size", c_uint32),
        ("pools", c_uint64),
        ("used", c_uint64),
        ("free", c_uint64),
    ]


class SizeClass(NamedTuple):
    interp: int
    size: int
    pools: int
    used: int
    free: int


class insp_arenas(Structure):
    _fields_ = [
        ("rows", POINTER(insp_arena_row)),
        ("len", c_size_t),
        ("classes", POINTER(insp_size_class)),
        ("n_classes", c_size_t),
    ]


class Arenas(NamedTuple):
    rows: list[ArenaRow]
    classes: list[SizeClass]


class RefKind(IntEnum):
    OWNED = 0
    BORROWED = 1
    WEAK = 2
    POSSIBLE = 3


class insp_edge(Structure):
    _fields_ = [
        ("src", c_uint32),
        ("dst", c_uint32),
        ("src_addr", c_uint64),
        ("dst_addr", c_uint64),
        ("slot", c_uint64),
        ("name", c_char_p),
        ("kind", c_uint),
        ("visited", c_int32),
    ]


class Edge(NamedTuple):
    src: int
    dst: int
    src_addr: int
    dst_addr: int
    slot: int
    name: str
    kind: RefKind
    visited: int


class insp_edges(Structure):
    _fields_ = [
        ("rows", POINTER(insp_edge)),
        ("len", c_size_t),
    ]


class insp_items(Structure):
    _fields_ = [
        ("rows", POINTER(insp_edge)),
        ("len", c_size_t),
        ("left_out", c_size_t),
    ]


class Items(NamedTuple):
    rows: list[Edge]
    left_out: int


class insp_root(Structure):
    _fields_ = [
        ("number", c_uint32),
        ("interp", c_uint32),
        ("kind", c_char_p),
        ("name", c_char_p),
        ("addr", c_uint64),
        ("file", c_char_p),
        ("line", c_int64),
        ("thread", c_int64),
    ]


class Root(NamedTuple):
    number: int
    interp: int
    kind: str
    name: str
    addr: int
    file: str
    line: int
    thread: int


class insp_candidate(Structure):
    _fields_ = [
        ("addr", c_uint64),
        ("object", c_uint32),
        ("reserved", c_uint32),
        ("where", c_char_p),
        ("module", c_char_p),
        ("section", c_char_p),
        ("offset", c_uint64),
        ("symbol", c_char_p),
    ]


class Candidate(NamedTuple):
    addr: int
    object: int
    where: str
    module: str
    section: str
    offset: int
    symbol: str


class insp_candidates(Structure):
    _fields_ = [
        ("rows", POINTER(insp_candidate)),
        ("len", c_size_t),
        ("modules", c_uint64),
        ("threads", c_uint64),
        ("malloc_blocks", c_uint64),
        ("unreadable", c_uint64),
    ]


class Candidates(NamedTuple):
    rows: list[Candidate]
    modules: int
    threads: int
    malloc_blocks: int
    unreadable: int


class Sort(IntEnum):
    ADDRESS = 0
    SIZE = 1
    BYTES = 2
    REFCNT = 3
    REMAINDER = 4
    REFERRERS = 5


class RemainderQuery(IntEnum):
    ANY = 0
    UNBALANCED = 1
    SURPLUS = 2
    DEFICIT = 3


class insp_query(Structure):
    _fields_ = [
        ("types", POINTER(c_uint8)),
        ("n_types", c_size_t),
        ("gc", c_char_p),
        ("least_refcnt", c_int64),
        ("least_size", c_int64),
        ("least_referrers", c_int64),
        ("remainder", c_uint),
        ("sort", c_uint),
        ("limit", c_uint32),
        ("reserved", c_uint32),
    ]


class Query(NamedTuple):
    types: array[int]
    gc: str
    least_refcnt: int
    least_size: int
    least_referrers: int
    remainder: RemainderQuery
    sort: Sort
    limit: int


class insp_search(Structure):
    _fields_ = [
        ("rows", POINTER(c_uint32)),
        ("len", c_size_t),
        ("count", c_uint64),
        ("size", c_uint64),
        ("bytes", c_uint64),
    ]


class Search(NamedTuple):
    rows: array[int]
    count: int
    size: int
    bytes: int


class insp_garbage(Structure):
    _fields_ = [
        ("unreachable", POINTER(c_uint32)),
        ("n_unreachable", c_size_t),
        ("with_them", POINTER(c_uint32)),
        ("n_with_them", c_size_t),
        ("finalizers", POINTER(c_uint32)),
        ("n_finalizers", c_size_t),
        ("callbacks", POINTER(c_uint32)),
        ("n_callbacks", c_size_t),
        ("may_resurrect", POINTER(c_uint32)),
        ("n_may_resurrect", c_size_t),
        ("uncollectable", POINTER(c_uint32)),
        ("n_uncollectable", c_size_t),
        ("below_zero", POINTER(c_uint32)),
        ("n_below_zero", c_size_t),
        ("tracked", c_uint64),
    ]


class Garbage(NamedTuple):
    unreachable: array[int]
    with_them: array[int]
    finalizers: array[int]
    callbacks: array[int]
    may_resurrect: array[int]
    uncollectable: array[int]
    below_zero: array[int]
    tracked: int


class insp_component(Structure):
    _fields_ = [
        ("first", c_size_t),
        ("count", c_size_t),
        ("bytes", c_uint64),
        ("reachable", c_int32),
        ("program", c_int32),
        ("gc", c_char_p),
    ]


class Component(NamedTuple):
    first: int
    count: int
    bytes: int
    reachable: int
    program: int
    gc: str


class insp_cycles(Structure):
    _fields_ = [
        ("rows", POINTER(insp_component)),
        ("len", c_size_t),
        ("members", POINTER(c_uint32)),
        ("n_members", c_size_t),
    ]


class Cycles(NamedTuple):
    rows: list[Component]
    members: array[int]


class insp_rings(Structure):
    _fields_ = [
        ("edges", POINTER(insp_edge)),
        ("n_edges", c_size_t),
        ("lengths", POINTER(c_size_t)),
        ("len", c_size_t),
    ]


class Rings(NamedTuple):
    edges: list[Edge]
    lengths: array[int]


class insp_decoder_row(Structure):
    _fields_ = [
        ("type", c_uint32),
        ("checked", c_uint32),
        ("different", c_uint32),
        ("unfollowed", c_uint32),
        ("object", c_uint64),
        ("missing", c_uint64),
        ("extra", c_uint64),
    ]


class DecoderRow(NamedTuple):
    type: int
    checked: int
    different: int
    unfollowed: int
    object: int
    missing: int
    extra: int


class insp_decoder_check(Structure):
    _fields_ = [
        ("rows", POINTER(insp_decoder_row)),
        ("len", c_size_t),
    ]


class PathOrigin(IntEnum):
    NONE = 0
    ROOT = 1
    STATIC = 2
    SURPLUS = 3


class insp_path(Structure):
    _fields_ = [
        ("origin", c_uint),
        ("start", c_uint32),
        ("edges", POINTER(insp_edge)),
        ("n_edges", c_size_t),
    ]


class Path(NamedTuple):
    origin: PathOrigin
    start: int
    edges: list[Edge]


class insp_retained_row(Structure):
    _fields_ = [
        ("number", c_uint32),
        ("objects", c_uint32),
        ("bytes", c_uint64),
    ]


class RetainedRow(NamedTuple):
    number: int
    objects: int
    bytes: int


class insp_retained(Structure):
    _fields_ = [
        ("objects", c_uint32),
        ("bytes", c_uint64),
        ("rows", POINTER(insp_retained_row)),
        ("len", c_size_t),
    ]


class Retained(NamedTuple):
    objects: int
    bytes: int
    rows: list[RetainedRow]


class insp_finding(Structure):
    _fields_ = [
        ("rule", c_char_p),
        ("text", c_char_p),
        ("addr", c_uint64),
    ]


class Finding(NamedTuple):
    rule: str
    text: str
    addr: int


class insp_findings(Structure):
    _fields_ = [
        ("rows", POINTER(insp_finding)),
        ("len", c_size_t),
        ("left_out", c_uint64),
    ]


class Findings(NamedTuple):
    rows: list[Finding]
    left_out: int


class Format(IntEnum):
    JSONL = 1


insp_write_fn = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)


# What a structure is copied into; a plain list where it is rows and len alone.
RECORDS: dict[type[Structure], Any] = {
    insp_error: Error,
    insp_unpacking: Unpacking,
    insp_options: Options,
    insp_mapping: Mapping,
    insp_caller_thread: CallerThread,
    insp_target: Target,
    insp_problem: Problem,
    insp_problems: list,
    insp_module: Module,
    insp_modules: list,
    insp_progress: Progress,
    insp_range: Range,
    insp_python: Python,
    insp_proof: Proof,
    insp_proofs: list,
    insp_field_row: FieldRow,
    insp_field_rows: list,
    insp_generation: Generation,
    insp_interpreter: Interpreter,
    insp_interpreters: list,
    insp_local: Local,
    insp_frame: Frame,
    insp_thread: Thread,
    insp_threads: list,
    insp_register: Register,
    insp_hop: Hop,
    insp_code_place: CodePlace,
    insp_fault: Fault,
    insp_place: Place,
    insp_summary: Summary,
    insp_type_row: TypeRow,
    insp_types: list,
    insp_object: Object,
    insp_word: Word,
    insp_words: list,
    insp_line: Line,
    insp_allocation: Allocation,
    insp_numbers: list,
    insp_pool: Pool,
    insp_arena_row: ArenaRow,
    insp_size_class: SizeClass,
    insp_arenas: Arenas,
    insp_edge: Edge,
    insp_edges: list,
    insp_items: Items,
    insp_root: Root,
    insp_candidate: Candidate,
    insp_candidates: Candidates,
    insp_query: Query,
    insp_search: Search,
    insp_garbage: Garbage,
    insp_component: Component,
    insp_cycles: Cycles,
    insp_rings: Rings,
    insp_decoder_row: DecoderRow,
    insp_decoder_check: list,
    insp_path: Path,
    insp_retained_row: RetainedRow,
    insp_retained: Retained,
    insp_finding: Finding,
    insp_findings: Findings,
}

# The array fields of a structure, and the field with the length of each.
LENGTHS: dict[type[Structure], dict[str, str]] = {
    insp_problems: {"rows": "len"},
    insp_modules: {"rows": "len"},
    insp_proofs: {"rows": "len"},
    insp_field_rows: {"rows": "len"},
    insp_interpreter: {"generations": "n_generations"},
    insp_interpreters: {"rows": "len"},
    insp_frame: {"locals": "n_locals"},
    insp_thread: {"frames": "n_frames"},
    insp_threads: {"rows": "len"},
    insp_fault: {"hops": "n_hops", "registers": "n_registers", "places": "n_places"},
    insp_types: {"rows": "len"},
    insp_words: {"rows": "len"},
    insp_allocation: {"rows": "len"},
    insp_numbers: {"rows": "len"},
    insp_arena_row: {"pool": "pools"},
    insp_arenas: {"rows": "len", "classes": "n_classes"},
    insp_edges: {"rows": "len"},
    insp_items: {"rows": "len"},
    insp_candidates: {"rows": "len"},
    insp_query: {"types": "n_types"},
    insp_search: {"rows": "len"},
    insp_garbage: {"unreachable": "n_unreachable", "with_them": "n_with_them", "finalizers": "n_finalizers", "callbacks": "n_callbacks", "may_resurrect": "n_may_resurrect", "uncollectable": "n_uncollectable", "below_zero": "n_below_zero"},
    insp_cycles: {"rows": "len", "members": "n_members"},
    insp_rings: {"edges": "n_edges", "lengths": "len"},
    insp_decoder_check: {"rows": "len"},
    insp_path: {"edges": "n_edges"},
    insp_retained: {"rows": "len"},
    insp_findings: {"rows": "len"},
}

# The fields of a structure that are enums.
ENUMS: dict[type[Structure], dict[str, type[IntEnum]]] = {
    insp_error: {"code": Status},
    insp_progress: {"stage": Stage},
    insp_proof: {"result": ProofResult},
    insp_fault: {"access": Access},
    insp_place: {"kind": PlaceKind},
    insp_edge: {"kind": RefKind},
    insp_query: {"remainder": RemainderQuery, "sort": Sort},
    insp_path: {"origin": PathOrigin},
}

# name: (restype, argtypes)
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "insp_abi": (c_uint32, []),
    "insp_version": (c_char_p, []),
    "insp_answer_free": (None, [c_void_p]),
    "insp_open_core": (c_uint, [
        c_char_p,
        POINTER(insp_options),
        POINTER(insp_unpacking),
        POINTER(POINTER(insp_session)),
        POINTER(insp_error),
    ]),
    "insp_open_process": (c_uint, [
        c_int64,
        POINTER(insp_options),
        POINTER(POINTER(insp_session)),
        POINTER(insp_error),
    ]),
    "insp_open_caller": (c_uint, [
        c_int64,
        POINTER(insp_mapping),
        c_size_t,
        POINTER(insp_caller_thread),
        c_size_t,
        POINTER(insp_options),
        POINTER(POINTER(insp_session)),
        POINTER(insp_error),
    ]),
    "insp_describe_types": (c_uint, [
        POINTER(insp_session),
        c_char_p,
        c_char_p,
        POINTER(insp_error),
    ]),
    "insp_close": (None, [POINTER(insp_session)]),
    "insp_session_target": (POINTER(insp_target), [POINTER(insp_session)]),
    "insp_session_problems": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_problems)),
        POINTER(insp_error),
    ]),
    "insp_session_modules": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_modules)),
        POINTER(insp_error),
    ]),
    "insp_job_start": (c_uint, [
        POINTER(insp_session),
        c_uint,
        POINTER(POINTER(insp_job)),
        POINTER(insp_error),
    ]),
    "insp_job_wait": (c_uint, [POINTER(insp_job), c_uint32, POINTER(insp_progress)]),
    "insp_job_wanted": (c_size_t, [POINTER(insp_job), POINTER(insp_range), c_size_t]),
    "insp_job_supply": (c_uint, [POINTER(insp_job), insp_range, c_void_p, POINTER(insp_error)]),
    "insp_job_cancel": (None, [POINTER(insp_job)]),
    "insp_job_finish": (c_uint, [POINTER(insp_job), POINTER(insp_error)]),
    "insp_need": (c_uint, [POINTER(insp_session), c_uint, POINTER(insp_error)]),
    "insp_python_info": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_python)),
        POINTER(insp_error),
    ]),
    "insp_layout_proofs": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_proofs)),
        POINTER(insp_error),
    ]),
    "insp_layout_fields": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_field_rows)),
        POINTER(insp_error),
    ]),
    "insp_interpreter_list": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_interpreters)),
        POINTER(insp_error),
    ]),
    "insp_thread_list": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_threads)),
        POINTER(insp_error),
    ]),
    "insp_fault_info": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_fault)),
        POINTER(insp_error),
    ]),
    "insp_value_text": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        POINTER(c_char),
        c_size_t,
        POINTER(c_int32),
        POINTER(insp_error),
    ]),
    "insp_dict_get": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        c_char_p,
        POINTER(c_uint64),
        POINTER(insp_error),
    ]),
    "insp_find": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        POINTER(POINTER(insp_place)),
        POINTER(insp_error),
    ]),
    "insp_heap_summary": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_summary)),
        POINTER(insp_error),
    ]),
    "insp_type_list": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_types)),
        POINTER(insp_error),
    ]),
    "insp_object_at": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        POINTER(insp_object),
        POINTER(insp_error),
    ]),
    "insp_object_number": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(insp_object),
        POINTER(insp_error),
    ]),
    "insp_object_look": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        POINTER(insp_object),
        POINTER(insp_error),
    ]),
    "insp_object_columns": (c_uint, [
        POINTER(insp_session),
        POINTER(c_uint32),
        c_size_t,
        POINTER(c_uint64),
        POINTER(c_uint32),
        POINTER(c_int64),
        POINTER(insp_error),
    ]),
    "insp_object_words": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        POINTER(POINTER(insp_words)),
        POINTER(insp_error),
    ]),
    "insp_allocation_of": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        POINTER(POINTER(insp_allocation)),
        POINTER(insp_error),
    ]),
    "insp_objects_between": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        c_uint64,
        POINTER(POINTER(insp_numbers)),
        POINTER(insp_error),
    ]),
    "insp_arena_list": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_arenas)),
        POINTER(insp_error),
    ]),
    "insp_referents": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(POINTER(insp_edges)),
        POINTER(insp_error),
    ]),
    "insp_items_of": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        c_size_t,
        POINTER(POINTER(insp_items)),
        POINTER(insp_error),
    ]),
    "insp_referents_among": (c_uint, [
        POINTER(insp_session),
        POINTER(c_uint32),
        c_size_t,
        POINTER(POINTER(insp_edges)),
        POINTER(insp_error),
    ]),
    "insp_collector_at": (c_uint, [
        POINTER(insp_session),
        c_int64,
        c_uint64,
        POINTER(POINTER(insp_edges)),
        POINTER(insp_error),
    ]),
    "insp_dangling": (c_uint, [
        POINTER(insp_session),
        c_uint64,
        c_uint64,
        POINTER(POINTER(insp_edges)),
        POINTER(insp_error),
    ]),
    "insp_referrers": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(POINTER(insp_edges)),
        POINTER(insp_error),
    ]),
    "insp_root_at": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(insp_root),
        POINTER(insp_error),
    ]),
    "insp_whose": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(c_char),
        c_size_t,
        POINTER(insp_error),
    ]),
    "insp_candidates_of": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(POINTER(insp_candidates)),
        POINTER(insp_error),
    ]),
    "insp_unbalanced": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_numbers)),
        POINTER(insp_error),
    ]),
    "insp_search_objects": (c_uint, [
        POINTER(insp_session),
        POINTER(insp_query),
        POINTER(POINTER(insp_search)),
        POINTER(insp_error),
    ]),
    "insp_garbage_replay": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_garbage)),
        POINTER(insp_error),
    ]),
    "insp_cycle_list": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_cycles)),
        POINTER(insp_error),
    ]),
    "insp_rings_through": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        c_uint32,
        POINTER(POINTER(insp_rings)),
        POINTER(insp_error),
    ]),
    "insp_check_decoders": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(POINTER(insp_decoder_check)),
        POINTER(insp_error),
    ]),
    "insp_path_to": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(POINTER(insp_path)),
        POINTER(insp_error),
    ]),
    "insp_retained_by": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(POINTER(insp_retained)),
        POINTER(insp_error),
    ]),
    "insp_retained_most_by": (c_uint, [
        POINTER(insp_session),
        c_uint32,
        POINTER(POINTER(insp_retained)),
        POINTER(insp_error),
    ]),
    "insp_session_findings": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_findings)),
        POINTER(insp_error),
    ]),
    "insp_heap_findings": (c_uint, [
        POINTER(insp_session),
        POINTER(POINTER(insp_findings)),
        POINTER(insp_error),
    ]),
    "insp_export": (c_uint, [
        POINTER(insp_session),
        c_uint,
        insp_write_fn,
        c_void_p,
        POINTER(insp_error),
    ]),
    "insp_export_inside": (c_uint, [
        POINTER(insp_session),
        POINTER(c_uint32),
        POINTER(c_size_t),
        c_size_t,
        insp_write_fn,
        c_void_p,
        POINTER(insp_error),
    ]),
    "insp_write_core": (c_uint, [
        POINTER(insp_session),
        insp_write_fn,
        c_void_p,
        POINTER(insp_error),
    ]),
    "insp_export_fd": (c_uint, [POINTER(insp_session), c_uint, c_int, POINTER(insp_error)]),
}
