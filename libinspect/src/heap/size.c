// SPDX-License-Identifier: MIT
/**
 * @file
 * sys.getsizeof from outside: tp_basicsize and tp_itemsize, what __sizeof__ of the containers adds,
 * and the words in front of a gc object (Python/sysmodule.c, _PySys_GetSizeOf).
 */
#include "../object/str.h"
#include "heap.h"

// A length as the target says it, small enough to be multiplied: what is cut here is more than there
// is memory, and so says nothing.
static int64_t count(uint64_t word)
{
    const uint64_t most = UINT64_C(1) << 40;
    return (int64_t)(word < most ? word : most);
}

static int64_t size_of_keys(insp_reader *r, insp_addr keys)
{
    insp_dict_table t;
    return keys && insp_keys_look(r, keys, &t) ? (int64_t)t.size : 0;
}

// _PyDict_SizeOf: a table that nobody shares, and the values of one that is shared.
static int64_t dict_extra(insp_reader *r, insp_addr addr)
{
    insp_dict_table t;
    int64_t extra = 0;
    if (!insp_dict_look(r, addr, &t))
        return 0;
    if (t.values)
        extra += (int64_t)(t.n + INSP_U64(r, t.keys, PyDictKeysObject, dk_usable)) * 8;
    if (INSP_U64(r, t.keys, PyDictKeysObject, dk_refcnt) == 1)
        extra += (int64_t)t.size;
    return extra;
}

static int64_t odict_extra(insp_reader *r, insp_addr addr)
{
    int64_t used = count(INSP_U64(r, addr, PyDictObject, ma_used));
    return dict_extra(r, addr) +
           count(INSP_U64(r, addr, PyODictObject, od_fast_nodes_size)) * 8 +
           used * INSP_OFF(r->layout, odictnode, sizeof);
}

static int64_t set_extra(insp_reader *r, insp_addr addr)
{
    insp_addr table = INSP_U64(r, addr, PySetObject, table);
    insp_addr own = addr + (uint32_t)INSP_OFF(r->layout, PySetObject, smalltable);
    return table == own ? 0 : (count(INSP_U64(r, addr, PySetObject, mask)) + 1) * 16;
}

static int64_t deque_extra(insp_reader *r, insp_addr addr)
{
    int64_t block = INSP_OFF(r->layout, deque_block, sizeof);
    int64_t room =
        (INSP_OFF(r->layout, deque_block, rightlink) - INSP_OFF(r->layout, deque_block, data)) /
        8;
    int64_t left = count(INSP_U64(r, addr, dequeobject, leftindex));
    int64_t n = count(INSP_U64(r, addr, PyVarObject, ob_size));
    return room > 0 ? (left + n + room - 1) / room * block : 0;
}

// unicode_sizeof: tp_basicsize is that of the largest form.
static int64_t str_size(insp_reader *r, insp_addr addr)
{
    insp_str_view v;
    if (!insp_str_look(r, addr, &v))
        return 0;
    int64_t chars = (count(v.length) + 1) * v.width;
    int64_t head = v.compact && v.ascii ? INSP_OFF(r->layout, PyASCIIObject, sizeof)
                   : v.compact          ? INSP_OFF(r->layout, PyCompactUnicodeObject, sizeof)
                                        : INSP_OFF(r->layout, PyUnicodeObject, sizeof);
    insp_addr utf8 = v.compact && v.ascii ? 0 : INSP_U64(r, addr, PyCompactUnicodeObject, utf8);
    if (utf8 && utf8 != v.data)
        chars += count(INSP_U64(r, addr, PyCompactUnicodeObject, utf8_length)) + 1;
    return head + chars;
}

static int64_t type_size(insp_reader *r, insp_addr addr)
{
    if (!(INSP_U64(r, addr, PyTypeObject, tp_flags) & INSP_TPF_HEAPTYPE))
        return INSP_OFF(r->layout, PyTypeObject, sizeof);
    return INSP_OFF(r->layout, PyHeapTypeObject, sizeof) +
           size_of_keys(r, INSP_U64(r, addr, PyHeapTypeObject, ht_cached_keys));
}

// object.__sizeof__
static int64_t plain_size(insp_reader *r, insp_addr addr, const insp_typeinfo *t)
{
    int64_t n = t->itemsize ? count(INSP_U64(r, addr, PyVarObject, ob_size)) : 0;
    return t->basicsize + n * t->itemsize;
}

// long_sizeof goes by the digits alone, whatever a subclass adds.
static int64_t int_size(insp_reader *r, insp_addr addr)
{
    bool negative;
    int64_t n = count(insp_int_digits(r, addr, &negative));
    int64_t least = r->layout->flavour->least_digits;
    return INSP_OFF(r->layout, PyLongObject, ob_digit) + (n > least ? n : least) * 4;
}

// code_sizeof: what was attached to code (PEP 523), and up to 3.10 which cells are arguments, and the caches
// of instructions (bpo-26219).
static int64_t code_extra(insp_reader *r, insp_addr addr)
{
    const insp_layout *l = r->layout;
    int64_t extra = 0;
    insp_addr attached = INSP_U64(r, addr, PyCodeObject, co_extra);
    if (attached)
        extra += 8 + count(INSP_U64(r, attached, PyCodeObjectExtra, ce_size)) * 8;
    insp_addr cells = INSP_U64(r, addr, PyCodeObject, co_cellvars);
    if (cells && INSP_U64(r, addr, PyCodeObject, co_cell2arg))
        extra += count(INSP_U64(r, cells, PyVarObject, ob_size)) * 8;
    if (INSP_U64(r, addr, PyCodeObject, co_opcache)) {
        insp_addr code = INSP_U64(r, addr, PyCodeObject, co_code);
        extra += count(INSP_U64(r, code, PyVarObject, ob_size)) / 2;
        extra += INSP_U8(r, addr, PyCodeObject, co_opcache_size) *
                 (int64_t)INSP_OFF(l, PyOpcache, sizeof);
    }
    return extra;
}

// Since 3.15 with the head of the bytes object that holds them, but for an empty one.
static int64_t bytearray_extra(insp_reader *r, insp_addr addr)
{
    int64_t room = count(INSP_U64(r, addr, PyByteArrayObject, ob_alloc));
    bool headed = INSP_OFF(r->layout, PyByteArrayObject, ob_bytes_object) >= 0;
    return headed && room ? room + INSP_OFF(r->layout, PyBytesObject, ob_sval) + 1 : room;
}

static int64_t own_size(insp_reader *r, insp_addr addr, const insp_typeinfo *t)
{
    switch ((insp_kind)t->kind) {
    case INSP_KIND_LIST:
        return t->basicsize + count(INSP_U64(r, addr, PyListObject, allocated)) * 8;
    case INSP_KIND_DICT:
        return t->basicsize + dict_extra(r, addr);
    case INSP_KIND_ODICT:
        return t->basicsize + odict_extra(r, addr);
    case INSP_KIND_SET:
        return t->basicsize + set_extra(r, addr);
    case INSP_KIND_DEQUE:
        return t->basicsize + deque_extra(r, addr);
    case INSP_KIND_BYTEARRAY:
        return t->basicsize + bytearray_extra(r, addr);
    case INSP_KIND_STR:
        return str_size(r, addr);
    case INSP_KIND_INT:
    case INSP_KIND_BOOL:
        return int_size(r, addr);
    case INSP_KIND_CODE:
        return ((plain_size(r, addr, t) + 7) & ~INT64_C(7)) + code_extra(r, addr);
    case INSP_KIND_TYPE:
        return type_size(r, addr);
    default:
        return plain_size(r, addr, t);
    }
}

static bool has_counted_head(const insp_heap *h, insp_addr addr, const insp_typeinfo *t)
{
    insp_reader r = h->decoder.r;
    insp_head_form form = h->py->layout.flavour->heads;
    bool by_type = form == INSP_HEADS_OF_TYPES ||
                   (form == INSP_HEADS_BUT_STATIC && t->addr != h->py->type_type);
    return by_type ? t->is_gc : insp_instance_is_gc(t, &r, addr);
}

int64_t insp_object_size(insp_heap *h, insp_addr addr, const insp_typeinfo *t, bool *known)
{
    insp_reader *r = &h->decoder.r;
    bool bad = r->bad;
    r->bad = false;
    int64_t size = own_size(r, addr, t);
    if (has_counted_head(h, addr, t))
        size += INSP_OFF(r->layout, PyGC_Head, sizeof) + t->preheader;
    // A length that more memory would be needed for than there is says nothing.
    *known = !r->bad && size > 0 && (uint64_t)size <= h->memory && t->sizeof_known;
    r->bad = bad;
    return size;
}
