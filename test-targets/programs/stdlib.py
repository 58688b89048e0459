# SPDX-License-Identifier: MIT
# stdlib: instances of many types of the standard library, kept alive.
import abc
import argparse
import array
import ast
import asyncio
import base64
import bisect
import bz2
import calendar
import collections
import concurrent.futures
import configparser
import contextlib
import contextvars
import copy
import csv
import ctypes
import dataclasses
import datetime
import decimal
import difflib
import email.message
import enum
import fractions
import functools
import hashlib
import heapq
import hmac
import html.parser
import http.client
import http.cookies
import io
import ipaddress
import itertools
import json
import logging
import logging.handlers
import lzma
import mmap
import multiprocessing.queues
import operator
import os
import pathlib
import pickle
import pprint
import queue
import random
import re
import sched
import selectors
import shelve
import shlex
import signal
import socket
import sqlite3
import ssl
import statistics
import string
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import traceback
import types
import typing
import unicodedata
import unittest
import unittest.mock
import urllib.parse
import urllib.request
import uuid
import weakref
import xml.etree.ElementTree as ET
import xml.sax
import zipfile
import zlib

import planted

KEPT = []


def keep(*things):
    KEPT.extend(things)
    return things[0]


class Colour(enum.Enum):
    RED = 1
    GREEN = "g"


class Bits(enum.IntFlag):
    A = 1
    B = 2


@dataclasses.dataclass
class Row:
    name: str
    values: typing.List[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Frozen:
    x: int = 3


class Base(abc.ABC):
    @abc.abstractmethod
    def area(self):
        ...


class Square(Base):
    __slots__ = ("side",)

    def area(self):
        return self.side ** 2

    @property
    def half(self):
        return self.side / 2

    @functools.cached_property
    def cached(self):
        return [self.side]

    @classmethod
    def make(cls):
        self = cls()
        self.side = 2
        self.cached
        return self

    @staticmethod
    def none():
        return None


T = typing.TypeVar("T")


class Box(typing.Generic[T]):
    def __init__(self, item: T) -> None:
        self.item = item


class Point(typing.NamedTuple):
    x: int
    y: int


class Typed(typing.TypedDict):
    a: int


class Proto(typing.Protocol):
    def go(self) -> int:
        ...


class Structure(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("p", ctypes.c_char_p), ("o", ctypes.py_object)]


class Error(Exception):
    pass


class IntBits(int):
    pass


class ListOf(list):
    pass


class TupleOf(tuple):
    pass


class DictOf(dict):
    __slots__ = ("extra",)


def collections_of():
    keep(collections.deque([1, [2]], maxlen=5), collections.OrderedDict(a=[1], b=2),
         collections.defaultdict(list, a=[1]), collections.Counter("hello"),
         collections.ChainMap({"a": 1}, {"b": []}), collections.UserDict(a=1),
         collections.UserList([1]), collections.UserString("u"),
         collections.namedtuple("Pair", "left right")(1, []))
    keep(array.array("d", [1.0]), heapq.nsmallest(2, [3, 1, 2]), bisect.bisect([1], 1))
    keep({1, (2, 3)}, frozenset([(1, 2)]), range(10 ** 20), slice([], None, 2), bytearray(b"x" * 99))
    keep(memoryview(bytearray(b"abc")), memoryview(b"abc")[1:], types.SimpleNamespace(a=[]),
         types.MappingProxyType({"a": []}), {}.keys(), {"a": 1}.values(), {"a": []}.items())
    keep(queue.Queue(), queue.PriorityQueue(), queue.SimpleQueue(), queue.LifoQueue())
    keep(IntBits(2 ** 70), ListOf([[]]), TupleOf(([],)), sched.scheduler())
    keep(DictOf(a=[])).extra = ["slot of a dict"]


def iterators_of():
    keep(iter([1, []]), reversed([1, []]), iter((1, [])), iter({"a": []}), iter({1}),
         iter(range(3)), iter("abc"), iter(b"abc"), iter({"a": 1}.items()), iter(int, 1),
         enumerate([[]]), zip([1], [[]]), map(str, [[]]), filter(None, [[]]),
         iter(collections.deque([[]])), iter(collections.OrderedDict(a=1)), iter(array.array("i")))
    keep(itertools.count(10 ** 30), itertools.cycle([1, []]), itertools.repeat([]),
         itertools.chain([1], [[]]), itertools.islice([1, []], 1), itertools.accumulate([1, 2]),
         itertools.product([1], [[]]), itertools.permutations([1, []]),
         itertools.combinations([1, []], 2), itertools.combinations_with_replacement([1], 2),
         itertools.groupby([1, 2]), itertools.starmap(max, [(1, 2)]), itertools.takewhile(len, [[]]),
         itertools.dropwhile(len, [[]]), itertools.filterfalse(len, [[]]),
         itertools.compress([1], [[]]), itertools.zip_longest([1], [[]], fillvalue=[]),
         *itertools.tee([1, []]), itertools.chain.from_iterable([[1]]))
    for iterator in KEPT[-19:]:
        next(iterator, None)
    if hasattr(itertools, "pairwise"):
        keep(next(itertools.pairwise([[], []])), itertools.pairwise([[], [], []]))


async def coroutine(lock):
    async with lock:
        await asyncio.sleep(3600)


async def agen():
    yield [1]
    yield 2


def generator():
    with contextlib.suppress(ValueError):
        for item in [[1], [2]]:
            yield item


def delegating():
    yield from generator()


async def tasks():
    loop = asyncio.get_running_loop()
    lock, event = asyncio.Lock(), asyncio.Event()
    keep(lock, event, loop, asyncio.Queue(), asyncio.Semaphore(2), asyncio.Condition())
    kept = [loop.create_task(coroutine(lock), name="planted-%d" % i) for i in range(3)]
    keep(*kept, loop.create_future(), loop.call_later(3600, print, [1]), agen(), agen().asend(None))
    started = agen()
    keep(started, await started.__anext__(), asyncio.gather(loop.create_future()))
    keep(asyncio.StreamReader(), loop.call_soon(print, "soon"))
    await asyncio.sleep(0.01)


def asynchronous():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(tasks())
    lonely = coroutine([])
    keep(loop, lonely)
    started = generator()
    next(started)
    inner = delegating()
    next(inner)
    keep(started, inner, generator(), contextlib.ExitStack(), contextlib.nullcontext([]),
         contextlib.contextmanager(generator)())
    variable = contextvars.ContextVar("planted", default=[1])
    token = variable.set(["set"])
    keep(variable, token, contextvars.copy_context())
    return lonely


def functions_of():
    @functools.lru_cache(maxsize=8)
    def cached(a, b=None):
        return [a, b]

    @functools.lru_cache(maxsize=None)
    def endless(a):
        return [a]

    @functools.singledispatch
    def dispatched(a):
        return a

    for i in range(12):
        cached(i, b=(i,))
        endless("k%d" % i)
    endless(1.5)
    dispatched.register(int, abs)
    keep(cached, endless, dispatched, functools.partial(max, [1], key=len),
         functools.partialmethod(print, 1), functools.cmp_to_key(max)(3),
         functools.wraps(cached)(lambda: 0), functools.total_ordering(type("O", (), {
             "__lt__": lambda a, b: True})))
    keep(operator.itemgetter(1, "a"), operator.attrgetter("a.b", "c"),
         operator.methodcaller("join", ["a"], k=[]), [].append, "x".join, str.join, int.__add__,
         (1).__add__, type.__dict__["__mro__"], Square.make, Square.make().area, Square.half,
         Square.none, object().__str__, property(len, None, None, "doc"), super(Square, Square.make()))
    keep(Square.make(), Box[int], Box([1]), Point(1, 2), Typed(a=1), Row("r", [1]), Frozen(),
         Colour.RED, Bits.A | Bits.B, typing.Optional[int], typing.List["Box"],
         typing.Callable[[int], str], typing.Union[int, str], typing.Literal["a"])
    if sys.version_info >= (3, 10):
        keep(int | str)


def numbers_and_texts():
    keep(decimal.Decimal("1.5"), decimal.getcontext().copy(), decimal.localcontext(),
         fractions.Fraction(1, 3), 10 ** 50, 1.5, 2j, datetime.datetime.now(datetime.timezone.utc),
         datetime.timedelta(1), datetime.date.today(), datetime.time(1, tzinfo=datetime.timezone.utc),
         datetime.timezone(datetime.timedelta(hours=2), "two"),
         uuid.uuid4(), random.Random(1), ipaddress.ip_network("10.0.0.0/8"), time.localtime())
    if sys.version_info >= (3, 9):
        import zoneinfo
        keep(zoneinfo.ZoneInfo("UTC"), list[int])
    match = re.compile(r"(?P<a>\w+)(\d)?").match("word1")
    keep(match, re.compile(rb"x").finditer(b"xx"), re.compile("x").scanner("xx"), re.Scanner([("a", None)]))
    keep(struct.Struct("<iq"), struct.iter_unpack("<i", b"\0" * 8), json.JSONDecoder(),
         json.JSONEncoder(indent=1), json.loads('{"a": [1, {"b": null}]}'), string.Template("$a"))
    keep(pickle.Pickler(io.BytesIO())).dump([[1], {"a": "b"}])
    keep(pickle.Unpickler(io.BytesIO()), copy.deepcopy({"a": [1]}),
         csv.reader(io.StringIO("a,b")), csv.writer(io.StringIO()), csv.DictReader(io.StringIO()),
         csv.get_dialect("excel"), textwrap.TextWrapper(), shlex.shlex("a b"), difflib.SequenceMatcher())
    keep(unicodedata.ucd_3_2_0, "\u20ac" * 30, "\U0001f600", "\xe9" * 20, b"bytes" * 9,
         statistics.NormalDist(), calendar.TextCalendar(), pprint.PrettyPrinter())


def compressed_and_parsed():
    digest = hashlib.sha256(b"x")
    keep(zlib.compressobj(), zlib.decompressobj(), bz2.BZ2Compressor(), bz2.BZ2Decompressor(),
         lzma.LZMACompressor(), lzma.LZMADecompressor(), digest, hashlib.md5(), hashlib.blake2b(),
         hashlib.sha3_256(), hmac.new(b"k", digestmod="sha256"), base64.b64encode(b"x"))
    tree = ET.fromstring("<a x='1'><b>t</b><c/></a>")
    parser = ET.XMLPullParser()
    parser.feed("<a><b/>")
    keep(tree, tree.iter(), tree[0].attrib, parser, ET.ElementTree(tree), xml.sax.make_parser())
    keep(ast.parse("def f(x, *a): return [y for y in x]"), compile("a+b", "x", "eval"),
         html.parser.HTMLParser(), http.cookies.SimpleCookie("a=b"), email.message.EmailMessage(),
         configparser.ConfigParser(), urllib.parse.urlsplit("http://h/p?q"),
         urllib.request.Request("http://h/"), http.client.HTTPConnection("h"))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("n", "text")
    keep(zipfile.ZipFile(archive), z)
    arguments = argparse.ArgumentParser(prog="planted")
    arguments.add_argument("--flag", type=int, default=3)
    keep(arguments, arguments.parse_args([]))


def files_and_processes():
    left, right = socket.socketpair()
    selector = selectors.DefaultSelector()
    selector.register(left, selectors.EVENT_READ, data=[1])
    keep(left, right, selector, left.makefile("rb"), ssl.create_default_context(), ssl.MemoryBIO())
    keep(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(),
                                                         server_hostname="h"))
    file = tempfile.NamedTemporaryFile()
    spooled = tempfile.SpooledTemporaryFile()
    keep(file, spooled, tempfile.TemporaryDirectory(), mmap.mmap(-1, 4096), io.StringIO("text"),
         io.BytesIO(b"x"), io.BytesIO(b"shared").getbuffer(), open(os.devnull), open(os.devnull, "rb"),
         open(os.devnull, "rb", buffering=0), io.BufferedRandom(io.FileIO(file.name, "r+")),
         io.BufferedRWPair(io.BytesIO(), io.BytesIO()), io.IncrementalNewlineDecoder(None, True),
         io.TextIOWrapper(io.BytesIO(), newline="\n"), os.scandir("/"), os.stat("/"), pathlib.Path("a/b"))
    keep(subprocess.Popen(["true"], stdout=subprocess.PIPE)).wait()
    keep(subprocess.CompletedProcess(["x"], 0))
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    database.create_function("double", 1, lambda x: 2 * x)
    cursor = database.execute("create table t (a, b)")
    cursor.executemany("insert into t values (?, ?)", [(1, "x"), (2, b"y")])
    keep(database, cursor, database.execute("select * from t").fetchall(), database.cursor())
    keep(shelve.Shelf({}), signal.getsignal(signal.SIGINT), signal.Signals.SIGINT,
         multiprocessing.queues.Empty())


def low_level():
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x + 1)
    structure = Structure(1, b"bytes", ["held"])
    numbers = (ctypes.c_int * 4)(1, 2, 3, 4)
    keep(callback, structure, numbers, ctypes.pointer(structure), ctypes.byref(structure),
         ctypes.py_object([1]), ctypes.cast(numbers, ctypes.c_void_p), ctypes.CDLL(None).getpid,
         ctypes.create_string_buffer(9), ctypes.POINTER(Structure), (ctypes.c_char_p * 2)(b"a", b"b"))
    referent = Square.make()
    keep(referent, weakref.ref(referent), weakref.ref(referent, print), weakref.proxy(referent),
         weakref.WeakValueDictionary(a=referent), weakref.WeakKeyDictionary({referent: []}),
         weakref.WeakSet([referent]), weakref.finalize(referent, print), weakref.WeakMethod(referent.area))
    try:
        try:
            raise Error("first", [1])
        except Error as first:
            raise KeyError("second") from first
    except KeyError as error:
        keep(error, error.__traceback__, error.__traceback__.tb_frame,
             traceback.TracebackException.from_exception(error))
    keep(OSError(2, "text", "name"), UnicodeDecodeError("utf-8", b"x", 0, 1, "why"),
         StopIteration([1]), SyntaxError("m", ("f", 1, 2, "t")), ImportError("m", name="n"),
         AttributeError("m"), SystemExit([3]))
    if sys.version_info >= (3, 11):
        keep(ExceptionGroup("group", [Error(1), ValueError([])]))
    keep(sys._getframe(), sys.flags, sys.version_info, sys.implementation, types.CellType([]),
         types.ModuleType("made"), types.new_class("New", (), {}), types.DynamicClassAttribute(len),
         object(), NotImplemented, Ellipsis, type("Dynamic", (Square,), {"x": []})())


def threads_and_logs():
    logger = logging.getLogger("planted.stdlib")
    logger.addHandler(logging.handlers.MemoryHandler(9, target=logging.StreamHandler()))
    logger.warning("kept %s", [1])
    keep(logger, logging.Formatter("%(message)s"), logging.LogRecord("n", 1, "p", 2, "m", (), None))
    keep(threading.Event()).set()
    keep(threading.Lock(), threading.RLock(), threading.Event(), threading.Condition(),
         threading.Semaphore(), threading.Barrier(2), threading.Timer(3600, print))
    local = threading.local()
    local.value = [1]
    pool = concurrent.futures.ThreadPoolExecutor(2)
    futures = [pool.submit(pow, 2, i) for i in range(4)]
    concurrent.futures.wait(futures)
    keep(local, pool, *futures)
    keep(unittest.TestSuite([unittest.FunctionTestCase(print)]), unittest.TestResult(),
         unittest.mock.MagicMock(), unittest.mock.Mock(spec=Square))


def main():
    lonely = asynchronous()
    for plant in (collections_of, iterators_of, functions_of, numbers_and_texts,
                  compressed_and_parsed, files_and_processes, low_level, threads_and_logs):
        plant()
    # 3.12.1's own collection never ends here: the traverse of module _asyncio follows a free list
    # that has become a ring.
    planted.stop({"kept": len(KEPT), "lonely": id(lonely)}, sys.version_info[:2] != (3, 12))


main()
