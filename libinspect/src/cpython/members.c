// SPDX-License-Identifier: MIT
#include "members.h"

#include "cpython.h"

enum { INSP_BIT_ANY = 0 };

#define ROW(structure, m, name, bit)                                                           \
    {                                                                                          \
        INSP_F_##structure##_##m, INSP_MEMBERS, INSP_BIT_##bit, name                           \
    }
#define ROWS(rows) ((insp_member_rows){rows, sizeof(rows) / sizeof((rows)[0])})

insp_member_rows insp_interpreter_members(void)
{
#define IN(m, name, bit) ROW(PyInterpreterState, m, name, bit)
#define ARRAY(m, name, bit)                                                                    \
    {                                                                                          \
        INSP_F_PyInterpreterState_##m, INSP_F_PyInterpreterState_##m##_size, INSP_BIT_##bit,   \
            name                                                                               \
    }
    static const insp_member_row rows[] = {
        IN(modules, "sys.modules", DICT),
        IN(modules_by_index, "modules_by_index", LIST),
        IN(sysdict, "sys.__dict__", DICT),
        IN(builtins, "builtins.__dict__", DICT),
        IN(importlib, "importlib", ANY),
        IN(import_func, "__import__", ANY),
        IN(lazy_import_func, "__lazy_import__", ANY),
        IN(lazy_imports_filter, "sys.set_lazy_imports_filter", ANY),
        IN(lazy_modules, "sys.lazy_modules", ANY),
        IN(lazy_pending_submodules, "lazy_pending_submodules", DICT),
        IN(dict, "interpreter dict", DICT),
        IN(builtins_copy, "builtins_copy", DICT),
        IN(sysdict_copy, "sysdict_copy", DICT),
        IN(codec_search_path, "codec_search_path", LIST),
        IN(codec_search_cache, "codec_search_cache", DICT),
        IN(codec_error_registry, "codec_error_registry", DICT),
        IN(before_forkers, "os.register_at_fork before", LIST),
        IN(after_forkers_parent, "os.register_at_fork after_in_parent", LIST),
        IN(after_forkers_child, "os.register_at_fork after_in_child", LIST),
        IN(warnings_filters, "warnings.filters", ANY),
        IN(warnings_once_registry, "warnings.onceregistry", DICT),
        IN(warnings_default_action, "warnings.defaultaction", STR),
        IN(audit_hooks, "sys.addaudithook", LIST),
        IN(exc_errnomap, "errnomap", DICT),
        IN(exc_group, "ExceptionGroup", TYPE),
        IN(empty_string, "empty str", STR),
        IN(bytes_empty, "empty bytes", BYTES),
        // 3.11 made static objects of the first three.
        ARRAY(small_ints, "small int", INT),
        ARRAY(latin1, "str of one character", STR),
        ARRAY(bytes_characters, "bytes of one", BYTES),
        ARRAY(monitoring_callables, "sys.monitoring.register_callback", ANY),
        ARRAY(monitoring_tool_names, "sys.monitoring.use_tool_id", STR),
    };
#undef IN
#undef ARRAY
    return ROWS(rows);
}

insp_member_rows insp_collector_members(void)
{
    static const insp_member_row rows[] = {
        ROW(gc_runtime_state, garbage, "gc.garbage", LIST),
        ROW(gc_runtime_state, callbacks, "gc.callbacks", LIST),
    };
    return ROWS(rows);
}

insp_member_rows insp_thread_members(void)
{
#define TS(m, name, bit) ROW(PyThreadState, m, name, bit)
    static const insp_member_row rows[] = {
        TS(curexc_type, "type of the exception in flight", TYPE),
        TS(curexc_value, "exception in flight", ANY),
        TS(curexc_traceback, "traceback of the exception in flight", ANY),
        TS(exc_state, "exception handled", ANY),
        TS(exc_state_type, "type of the exception handled", ANY),
        TS(exc_state_traceback, "traceback of the exception handled", ANY),
        TS(dict, "thread dict", DICT),
        TS(async_exc, "async exception", ANY),
        TS(c_profileobj, "sys.setprofile", ANY),
        TS(c_traceobj, "sys.settrace", ANY),
        TS(context, "context", ANY),
        TS(async_gen_firstiter, "async generator hook firstiter", ANY),
        TS(async_gen_finalizer, "async generator hook finalizer", ANY),
        TS(on_delete_data, "thread lock", ANY),
    };
#undef TS
    return ROWS(rows);
}

insp_member_span insp_member_span_of(const insp_layout *layout, const insp_member_row *row)
{
    int32_t start = layout->off[row->member];
    int32_t size = row->size == INSP_MEMBERS ? 8 : layout->off[row->size];
    if (start < 0 || size < 0)
        return (insp_member_span){0, 0};
    return (insp_member_span){start, start + size};
}
