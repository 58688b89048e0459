// SPDX-License-Identifier: MIT
#include "text.h"

#include <stdio.h>
#include <string.h>

#include "frame.h"
#include "str.h"

enum { DEPTH = 2, ITEMS = 4, CHARS = 60 };

// A value shows values, at most DEPTH deep.
// NOLINTBEGIN(misc-no-recursion)
static void value_at(insp_decoder *d, insp_addr addr, insp_str *out, int depth);

static const insp_typeinfo *type_of(insp_decoder *d, insp_addr addr)
{
    insp_addr type = INSP_U64(&d->r, addr, PyObject, ob_type);
    return d->r.bad ? NULL : insp_type_at(d->types, &d->r, type);
}

// repr prefers single quotes, and double ones where only they need no escape.
static char quote_for(insp_decoder *d, const insp_str_view *v)
{
    bool one = false, two = false;
    if (insp_str_is_plain(&d->r, v, CHARS))
        return '\'';
    for (uint64_t i = 0; i < v->length && i < CHARS; i++) {
        uint32_t c = insp_str_char(&d->r, v, i);
        one = one || c == '\'';
        two = two || c == '"';
    }
    return one && !two ? '"' : '\'';
}

static void thousands(insp_str *out, uint64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            insp_str_add(out, ",");
        insp_str_bytes(out, digits + i, 1);
    }
}

static void cut_note(insp_str *out, uint64_t length, const char *unit)
{
    insp_str_add(out, "... (");
    thousands(out, length);
    insp_str_printf(out, " %s)", unit);
}

static void str_value(insp_decoder *d, insp_addr addr, insp_str *out)
{
    insp_str_view v;
    if (!insp_str_look(&d->r, addr, &v)) {
        insp_str_add(out, "<str, unreadable>");
        return;
    }
    char quote = quote_for(d, &v);
    const char text[2] = {quote, '\0'};
    insp_str_add(out, text);
    insp_str_chars(&d->r, &v, CHARS, quote, out);
    insp_str_add(out, text);
    if (v.length > CHARS)
        cut_note(out, v.length, "characters");
}

static void bytes_value(insp_decoder *d, insp_addr data, uint64_t n, insp_str *out)
{
    insp_str_add(out, "b'");
    for (uint64_t i = 0; i < n && i < CHARS && !d->r.bad; i++) {
        uint8_t b = insp_u8(&d->r, data + i);
        if (b < 0x80)
            insp_str_escaped(out, b, '\'');
        else
            insp_str_printf(out, "\\x%02x", b);
    }
    insp_str_add(out, "'");
    if (n > CHARS)
        cut_note(out, n, "bytes");
}

// Digits of 30 bits, the lowest first. Decimal where it fits 63 bits.
static void int_value(insp_decoder *d, insp_addr addr, insp_str *out)
{
    enum { DIGIT_BITS = 30 };
    bool negative;
    uint64_t n = insp_int_digits(&d->r, addr, &negative);
    insp_addr digits = addr + (uint32_t)INSP_OFF(&d->py->layout, PyLongObject, ob_digit);
    if (negative)
        insp_str_add(out, "-");
    uint64_t value = 0;
    for (uint64_t i = n < 3 ? n : 3; i-- > 0;)
        value = value << DIGIT_BITS | (insp_u32(&d->r, digits + i * 4) & 0x3fffffff);
    if (n < 3 || (n == 3 && value >> 60 < 8 && insp_u32(&d->r, digits + 8) < 8))
        insp_str_u64(out, value);
    else
        insp_str_printf(out, "<int of %" PRIu64 " bits>",
                        (n - 1) * DIGIT_BITS + 32 -
                            (uint64_t)__builtin_clz(insp_u32(&d->r, digits + (n - 1) * 4) | 1));
}

static void double_text(insp_decoder *d, insp_addr at, insp_str *out)
{
    uint64_t bits = insp_u64(&d->r, at);
    double value;
    memcpy(&value, &bits, sizeof(value));
    char text[40];
    // The shortest text that reads back as the same number, as repr's.
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    insp_str_add(out, text);
    if (!strpbrk(text, ".eni"))
        insp_str_add(out, ".0");
}

static void complex_value(insp_decoder *d, insp_addr addr, insp_str *out)
{
    insp_addr at = addr + (uint32_t)INSP_OFF(&d->py->layout, PyComplexObject, cval);
    insp_str_add(out, "(");
    double_text(d, at, out);
    insp_str_add(out, "+");
    double_text(d, at + 8, out);
    insp_str_add(out, "j)");
}

static void items(insp_decoder *d, insp_addr at, uint64_t n, const char *open,
                  const char *close, insp_str *out, int depth)
{
    insp_str_add(out, open);
    for (uint64_t i = 0; i < n && i < ITEMS && !d->r.bad && !out->cut; i++) {
        if (i)
            insp_str_add(out, ", ");
        value_at(d, insp_u64(&d->r, at + i * 8), out, depth + 1);
    }
    if (n > ITEMS)
        insp_str_add(out, ", ...");
    insp_str_add(out, close);
}

static void list_value(insp_decoder *d, insp_addr addr, insp_str *out, int depth)
{
    uint64_t n = INSP_U64(&d->r, addr, PyVarObject, ob_size);
    items(d, INSP_U64(&d->r, addr, PyListObject, ob_item), n > INT64_MAX ? 0 : n, "[", "]", out,
          depth);
}

static void tuple_value(insp_decoder *d, insp_addr addr, insp_str *out, int depth)
{
    uint64_t n = INSP_U64(&d->r, addr, PyVarObject, ob_size);
    items(d, addr + (uint32_t)INSP_OFF(&d->py->layout, PyTupleObject, ob_item),
          n > INT64_MAX ? 0 : n, "(", n == 1 ? ",)" : ")", out, depth);
}

static void dict_value(insp_decoder *d, insp_addr addr, insp_str *out, int depth)
{
    insp_dict_table t;
    uint64_t shown = 0;
    if (!insp_dict_look(&d->r, addr, &t)) {
        insp_str_add(out, "{...}");
        return;
    }
    insp_str_add(out, "{");
    for (uint64_t i = 0; i < t.n && shown <= ITEMS && !d->r.bad && !out->cut; i++) {
        insp_addr key, value;
        insp_dict_entry(&d->r, &t, i, &key, &value);
        if (!value)
            continue;
        if (shown++)
            insp_str_add(out, ", ");
        if (shown > ITEMS) {
            insp_str_add(out, "...");
            break;
        }
        value_at(d, key, out, depth + 1);
        insp_str_add(out, ": ");
        value_at(d, value, out, depth + 1);
    }
    insp_str_add(out, "}");
}

static void set_value(insp_decoder *d, insp_addr addr, const insp_typeinfo *t, insp_str *out,
                      int depth)
{
    insp_addr table = INSP_U64(&d->r, addr, PySetObject, table);
    uint64_t mask = INSP_U64(&d->r, addr, PySetObject, mask);
    uint64_t used = INSP_U64(&d->r, addr, PySetObject, used), shown = 0;
    bool frozen = !strcmp(t->name, "frozenset");
    if (!used) {
        insp_str_printf(out, "%s()", frozen ? "frozenset" : "set");
        return;
    }
    insp_str_add(out, frozen ? "frozenset({" : "{");
    for (uint64_t i = 0; i <= mask && shown < ITEMS && !d->r.bad && !out->cut; i++) {
        insp_addr key = insp_u64(&d->r, table + i * 16);
        if (!key || insp_u64(&d->r, table + i * 16 + 8) == UINT64_MAX)
            continue;
        if (shown++)
            insp_str_add(out, ", ");
        value_at(d, key, out, depth + 1);
    }
    insp_str_add(out, used > shown ? ", ..." : "");
    insp_str_add(out, frozen ? "})" : "}");
}

static void text_of(insp_decoder *d, insp_addr str, insp_str *out)
{
    char buf[128];
    insp_str_add(out, insp_str_read(&d->r, str, buf, sizeof(buf)) >= 0 ? buf : "?");
}

static void named(insp_decoder *d, insp_str *out, const char *what, insp_addr name)
{
    insp_str_printf(out, "<%s ", what);
    text_of(d, name, out);
    insp_str_add(out, ">");
}

static void type_value(insp_decoder *d, insp_addr addr, insp_str *out)
{
    const insp_typeinfo *t = insp_type_at(d->types, &d->r, addr);
    insp_str_printf(
        out, "<class '%s%s%s'>", !t || !strcmp(t->module, "builtins") ? "" : t->module,
        !t || !strcmp(t->module, "builtins") || !*t->module ? "" : ".", t ? t->name : "?");
}

static void builtin_value(insp_decoder *d, insp_addr addr, insp_str *out)
{
    char name[100] = "?";
    insp_addr def = INSP_U64(&d->r, addr, PyCFunctionObject, m_ml);
    insp_addr text = def ? INSP_U64(&d->r, def, PyMethodDef, ml_name) : 0;
    if (text)
        (void)insp_space_text(d->r.cur.space, text, name, sizeof(name));
    insp_str_add(out, "<built-in ");
    insp_str_utf8(out, name);
    insp_str_add(out, ">");
}

static void plain_value(insp_decoder *d, insp_addr addr, const insp_typeinfo *t, insp_str *out,
                        int depth)
{
    const insp_layout *l = &d->py->layout;
    switch ((insp_kind)t->kind) {
    case INSP_KIND_NONE:
        insp_str_add(out, "None");
        break;
    case INSP_KIND_BOOL:
        insp_str_add(out, INSP_U32(&d->r, addr, PyLongObject, ob_digit) ? "True" : "False");
        break;
    case INSP_KIND_FLOAT:
        double_text(d, addr + (uint32_t)INSP_OFF(l, PyFloatObject, ob_fval), out);
        break;
    case INSP_KIND_COMPLEX:
        complex_value(d, addr, out);
        break;
    case INSP_KIND_FUNCTION:
        named(d, out, "function", INSP_U64(&d->r, addr, PyFunctionObject, func_qualname));
        break;
    case INSP_KIND_CODE:
        named(d, out, "code", insp_code_name(d, addr));
        break;
    case INSP_KIND_MODULE:
        named(d, out, "module", INSP_U64(&d->r, addr, PyModuleObject, md_name));
        break;
    case INSP_KIND_BUILTIN:
        builtin_value(d, addr, out);
        break;
    case INSP_KIND_TYPE:
        type_value(d, addr, out);
        break;
    case INSP_KIND_SET:
        set_value(d, addr, t, out, depth);
        break;
    default:
        insp_str_printf(out, "<%s>", t->name);
        break;
    }
}

static void value_at(insp_decoder *d, insp_addr addr, insp_str *out, int depth)
{
    const insp_typeinfo *t = addr ? type_of(d, addr) : NULL;
    if (!t) {
        insp_str_add(out, addr ? "<no object>" : "NULL");
        d->r.bad = false;
        return;
    }
    bool deep = depth >= DEPTH;
    insp_addr bytes = addr + (uint32_t)INSP_OFF(&d->py->layout, PyBytesObject, ob_sval);
    switch ((insp_kind)t->kind) {
    case INSP_KIND_STR:
        str_value(d, addr, out);
        break;
    case INSP_KIND_BYTES:
        bytes_value(d, bytes, INSP_U64(&d->r, addr, PyVarObject, ob_size), out);
        break;
    case INSP_KIND_BYTEARRAY:
        insp_str_add(out, "bytearray(");
        bytes_value(d, INSP_U64(&d->r, addr, PyByteArrayObject, ob_start),
                    INSP_U64(&d->r, addr, PyVarObject, ob_size), out);
        insp_str_add(out, ")");
        break;
    case INSP_KIND_INT:
        int_value(d, addr, out);
        break;
    case INSP_KIND_LIST:
        deep ? insp_str_add(out, "[...]") : list_value(d, addr, out, depth);
        break;
    case INSP_KIND_TUPLE:
        deep ? insp_str_add(out, "(...)") : tuple_value(d, addr, out, depth);
        break;
    case INSP_KIND_DICT:
    case INSP_KIND_ODICT:
        deep ? insp_str_add(out, "{...}") : dict_value(d, addr, out, depth);
        break;
    default:
        plain_value(d, addr, t, out, depth);
        break;
    }
}

// NOLINTEND(misc-no-recursion)

void insp_value(insp_decoder *d, insp_addr addr, insp_str *out)
{
    bool bad = d->r.bad;
    d->r.bad = false;
    value_at(d, addr, out, 0);
    d->r.bad = bad;
}

void insp_ref_text(insp_decoder *d, const insp_ref *ref, insp_str *out)
{
    bool bad = d->r.bad;
    d->r.bad = false;
    switch ((insp_form)ref->form) {
    case INSP_FORM_NAME:
        insp_str_add(out, (const char *)(uintptr_t)ref->arg);
        break;
    case INSP_FORM_INDEX:
        insp_str_add(out, "[");
        insp_str_u64(out, ref->arg);
        insp_str_add(out, "]");
        break;
    case INSP_FORM_VALUE:
        insp_str_add(out, "[");
        value_at(d, ref->arg, out, 1);
        insp_str_add(out, "]");
        break;
    case INSP_FORM_KEY:
        insp_str_add(out, "key ");
        value_at(d, ref->arg, out, 1);
        break;
    case INSP_FORM_ATTR:
        insp_str_add(out, ".");
        text_of(d, ref->arg, out);
        break;
    case INSP_FORM_LOCAL:
    case INSP_FORM_CELL:
        insp_str_add(out, ref->form == INSP_FORM_LOCAL ? "local '" : "closure '");
        text_of(d, ref->arg, out);
        insp_str_add(out, "'");
        break;
    case INSP_FORM_STACK:
        insp_str_add(out, "stack[");
        insp_str_u64(out, ref->arg);
        insp_str_add(out, "]");
        break;
    case INSP_FORM_OFFSET:
        insp_str_printf(out, "+0x%" PRIx64, ref->arg);
        break;
    case INSP_FORM_STATE:
        insp_str_printf(out, "state+0x%" PRIx64, ref->arg);
        break;
    case INSP_FORM_HELPER:
        insp_str_printf(out, "*0x%" PRIx64, ref->arg);
        break;
    case INSP_FORM_BODY:
        insp_str_add(out, "block");
        break;
    }
    if (ref->guessed)
        insp_str_add(out, " (guess)");
    d->r.bad = bad;
}
