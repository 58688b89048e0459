// SPDX-License-Identifier: MIT
#include "anchors.h"

#include <string.h>

#include "str.h"
#include "typestate.h"

/** What a module's attribute tells: its own name, or that of its type. */
typedef struct anchor {
    const char *module, *key, *tp_name;
    bool type_of; // the attribute is an instance
} anchor;

static const anchor anchors[] = {
    {"builtins", "len", "builtin_function_or_method", true},
    {"builtins", "None", "NoneType", true},
    {"builtins", "Ellipsis", "ellipsis", true},
    {"builtins", "NotImplemented", "NotImplementedType", true},
    {"_frozen_importlib", "_find_and_load", "function", true},
    {"_weakref", "ref", "weakref.ReferenceType", false},
    {"_weakref", "ProxyType", "weakref.ProxyType", false},
    {"_weakref", "CallableProxyType", "weakref.CallableProxyType", false},
    {"_collections", "deque", "collections.deque", false},
    {"_collections", "defaultdict", "collections.defaultdict", false},
    {"_collections", "OrderedDict", "collections.OrderedDict", false},
    {"types", "CellType", "cell", false},
    {"types", "CodeType", "code", false},
    {"types", "CoroutineType", "coroutine", false},
    {"types", "FrameType", "frame", false},
    {"types", "GeneratorType", "generator", false},
    {"types", "AsyncGeneratorType", "async_generator", false},
    {"types", "MappingProxyType", "mappingproxy", false},
    {"types", "MethodType", "method", false},
    {"types", "MethodWrapperType", "method-wrapper", false},
    {"types", "SimpleNamespace", "types.SimpleNamespace", false},
    {"types", "TracebackType", "traceback", false},
    {"types", "GenericAlias", "types.GenericAlias", false},
    {"_types", "UnionType", "typing.Union", false}, // since 3.14; another type than the next
    {"types", "UnionType", "types.UnionType", false},
};

/** What an entry of type's own dict is. */
static const anchor descriptors[] = {
    {NULL, "__dict__", "getset_descriptor", true},
    {NULL, "__basicsize__", "member_descriptor", true},
    {NULL, "mro", "method_descriptor", true},
    {NULL, "__call__", "wrapper_descriptor", true},
};

bool insp_tp_name(const insp_types_seen *types, insp_reader *r, insp_addr type, char *buf,
                  size_t size)
{
    bool bad = r->bad;
    r->bad = false;
    insp_addr text = INSP_U64(r, type, PyTypeObject, tp_name);
    bool found = text && !r->bad && insp_space_text(r->cur.space, text, buf, size) > 0;
    r->bad = bad;
    uint32_t i = found ? INSP_MAP_NONE : insp_map_get(&types->name_of, type);
    if (i == INSP_MAP_NONE)
        return found;
    insp_str out = insp_str_init(buf, size);
    insp_str_add(&out, types->names.at[i]);
    return true;
}

// In a damaged target every one of these may claim all memory.
static insp_addr find(insp_reader *r, insp_addr dict, const char *key)
{
    uint64_t budget = UINT64_MAX;
    return insp_namespace_find(r, dict, key, &budget);
}

// The first name that a type is found by stays.
static bool call(insp_types_seen *types, insp_reader *r, insp_addr type, const char *name)
{
    char known[8];
    if (!insp_is_type(r, types->py, type) || insp_tp_name(types, r, type, known, sizeof(known)))
        return true;
    uint32_t n = (uint32_t)types->names.len;
    const char *kept = insp_arena_text(&types->arena, name, strlen(name));
    return kept && insp_names_push(&types->names, kept) &&
           insp_map_set(&types->name_of, type, n);
}

static bool call_anchor(insp_types_seen *types, insp_reader *r, insp_addr dict, const anchor *a)
{
    insp_addr value = dict ? find(r, dict, a->key) : 0;
    insp_addr type = value && a->type_of ? INSP_U64(r, value, PyObject, ob_type) : value;
    r->bad = false;
    return !type || call(types, r, type, a->tp_name);
}

// Every static type that a module's dict calls by its name; `prefix` is what tp_name has before that. *budget: entries
// that may still be looked at.
static bool call_dict(insp_types_seen *types, insp_reader *r, insp_addr dict,
                      const char *prefix, uint64_t *budget)
{
    insp_dict_table t;
    bool fits = true;
    bool sound = dict && insp_dict_look(r, dict, &t);
    for (uint64_t i = 0; sound && fits && i < t.n && *budget && !r->bad; i++, --*budget) {
        char key_text[64], name[160];
        insp_addr key, value;
        insp_dict_entry(r, &t, i, &key, &value);
        if (!value || INSP_U64(r, value, PyObject, ob_type) != types->py->type_type ||
            INSP_U64(r, value, PyTypeObject, tp_flags) & INSP_TPF_HEAPTYPE ||
            insp_str_read(r, key, key_text, sizeof(key_text)) <= 0)
            continue;
        insp_str whole = insp_str_init(name, sizeof(name));
        insp_str_printf(&whole, "%s%s", prefix, key_text);
        fits = call(types, r, value, name);
    }
    r->bad = false;
    return fits;
}

static insp_addr module_dict(insp_reader *r, insp_addr modules, const char *name)
{
    insp_addr module = find(r, modules, name);
    insp_addr dict = module ? INSP_U64(r, module, PyModuleObject, md_dict) : 0;
    r->bad = false;
    return dict;
}

// Modules that have no file are in the interpreter's own, as static types are. Others only pass their types on.
static bool call_modules(insp_types_seen *types, insp_reader *r, insp_addr modules,
                         uint64_t *budget)
{
    insp_dict_table t;
    bool fits = true;
    bool sound = modules && insp_dict_look(r, modules, &t);
    for (uint64_t i = 0; sound && fits && i < t.n && *budget && !r->bad; i++, --*budget) {
        char name[64], prefix[80];
        insp_addr key, module;
        insp_dict_entry(r, &t, i, &key, &module);
        if (!module || insp_str_read(r, key, name, sizeof(name)) <= 0)
            continue;
        insp_addr dict = INSP_U64(r, module, PyModuleObject, md_dict);
        insp_str whole = insp_str_init(prefix, sizeof(prefix));
        insp_str_printf(&whole, "%s.", name);
        if (!r->bad && dict && !find(r, dict, "__file__"))
            fits = call_dict(types, r, dict, prefix, budget);
        r->bad = false;
    }
    r->bad = false;
    return fits;
}

// Code and module are known by who has them.
static bool call_more(insp_types_seen *types, insp_reader *r, insp_addr modules)
{
    static const anchor module = {NULL, "sys", "module", true};
    insp_addr importlib = module_dict(r, modules, "_frozen_importlib");
    insp_addr function = importlib ? find(r, importlib, "_find_and_load") : 0;
    insp_addr code = function ? INSP_U64(r, function, PyFunctionObject, func_code) : 0;
    insp_addr code_type = code ? INSP_U64(r, code, PyObject, ob_type) : 0;
    r->bad = false;
    return call_anchor(types, r, modules, &module) &&
           (!code_type || call(types, r, code_type, "code"));
}

insp_status insp_anchors_find(insp_types_seen *types, insp_reader *r, insp_error *err)
{
    char name[8];
    const insp_interp *in = &types->py->interps.at[0];
    insp_addr type = types->py->type_type;
    // Where one static type's name can be read, all can: they lie in the same file.
    if (!type || insp_tp_name(types, r, type, name, sizeof(name)))
        return INSP_OK;
    uint64_t budget = 1 << 20;
    bool fits =
        call_dict(types, r, in->builtins, "", &budget) && call_more(types, r, in->modules);
    insp_addr own = insp_type_dict(r, types->py, type);
    for (size_t i = 0; fits && i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
        fits = call_anchor(types, r, own, &descriptors[i]);
    for (size_t i = 0; fits && i < sizeof(anchors) / sizeof(anchors[0]); i++)
        fits =
            call_anchor(types, r, module_dict(r, in->modules, anchors[i].module), &anchors[i]);
    fits = fits && call_modules(types, r, in->modules, &budget);
    r->bad = false;
    return fits ? INSP_OK : insp_nomem(err);
}
