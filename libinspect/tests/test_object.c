// SPDX-License-Identifier: MIT
#include "../src/object/frame.h"
#include "../src/object/str.h"
#include "../src/object/text.h"
#include "support/fakeheap.h"

static fakeheap f;
static insp_refs refs;
static uint64_t flushed;
static char text[512];

static void count_flushed(insp_refs *full)
{
    flushed += full->len;
}

static void set_up(void)
{
    fake_init(&f);
    fake_open(&f);
    refs.len = 0;
    refs.flush = count_flushed;
    flushed = 0;
    f.heap.decoder.refs = &refs;
    f.heap.decoder.all = true;
}

static void tear_down(void)
{
    f.heap.decoder.refs = NULL;
    fake_deinit(&f);
}

static insp_reader *reader(void)
{
    return &f.heap.decoder.r;
}

static void walk(insp_addr object)
{
    const insp_typeinfo *t =
        insp_type_at(&f.heap.types, reader(), FAKE_GET(&f, object, PyObject, ob_type));
    ck_assert_ptr_nonnull(t);
    refs.len = 0;
    insp_walk(&f.heap.decoder, object, t);
}

/** The references of the object, "NAME=TARGET'S VALUE" each; a dot in front: not visited. */
static const char *walked(insp_addr object)
{
    insp_str out = insp_str_init(text, sizeof(text));
    walk(object);
    for (uint32_t i = 0; i < refs.len; i++) {
        if (refs.at[i].form == INSP_FORM_BODY)
            continue;
        insp_str_add(&out, out.len ? "; " : "");
        insp_str_add(&out, refs.at[i].visited ? "" : "!");
        insp_ref_text(&f.heap.decoder, &refs.at[i], &out);
        insp_str_add(&out, "=");
        insp_value(&f.heap.decoder, refs.at[i].target, &out);
    }
    return text;
}

static const char *value(insp_addr object)
{
    insp_str out = insp_str_init(text, sizeof(text));
    insp_value(&f.heap.decoder, object, &out);
    return text;
}

START_TEST(strings_of_every_width_are_read)
{
    static const uint32_t latin[] = {'c', 'a', 'f', 0xe9}, greek[] = {0x3b1, 'b', 0x3b3},
                          grin[] = {0x1f600, 'x'};
    const insp_addr strings[] = {fake_str(&f, "plain"), fake_wide(&f, latin, 4, 1),
                                 fake_wide(&f, greek, 3, 2), fake_wide(&f, grin, 2, 4)};
    static const char *const texts[] = {"plain", "caf\xc3\xa9",
                                        "\xce\xb1"
                                        "b\xce\xb3",
                                        "\xf0\x9f\x98\x80x"};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(insp_str_read(reader(), strings[i], text, sizeof(text)),
                         (int)strlen(texts[i]));
        ck_assert_str_eq(text, texts[i]);
    }
    ck_assert(insp_str_equals(reader(), strings[0], "plain"));
    ck_assert(!insp_str_equals(reader(), strings[0], "plain "));
    ck_assert(!insp_str_equals(reader(), strings[0], "plaim"));
    ck_assert(!insp_str_equals(reader(), strings[2], "ab"));
}
END_TEST

START_TEST(what_would_drive_a_terminal_is_escaped)
{
    static const uint32_t nasty[] = {0x1b, '[', '\n', 0x202e, 0xd800, 0x10ffff, '\\', 0x9b};
    insp_addr s = fake_wide(&f, nasty, 8, 4);
    ck_assert_int_gt(insp_str_read(reader(), s, text, sizeof(text)), 0);
    ck_assert_str_eq(text, "\\x1b[\\n\\u202e\\ud800\\U0010ffff\\\\\\x9b");
    ck_assert_str_eq(value(fake_str(&f, "it's")), "\"it's\"");
    ck_assert_str_eq(value(fake_str(&f, "'\"")), "'\\'\"'");
}
END_TEST

START_TEST(a_str_is_cut_to_the_room_there_is)
{
    char small[6];
    ck_assert_int_eq(insp_str_read(reader(), fake_str(&f, "123456"), small, sizeof(small)), 5);
    ck_assert_str_eq(small, "12345");
}
END_TEST

START_TEST(what_contradicts_itself_is_no_str)
{
    insp_str_view v;
    insp_addr s = fake_str(&f, "text");
    ck_assert(insp_str_look(reader(), s, &v));
    FAKE_SET32(&f, s, PyASCIIObject, state, 3 << 2 | 1 << 5 | 1 << 6);
    ck_assert(!insp_str_look(reader(), s, &v));
    ck_assert_int_eq(insp_str_read(reader(), s, text, sizeof(text)), -1);
    s = fake_str(&f, "text");
    FAKE_SET(&f, s, PyASCIIObject, length, UINT64_MAX);
    ck_assert(!insp_str_look(reader(), s, &v));
    ck_assert_int_eq(insp_str_read(reader(), 0, text, sizeof(text)), -1);
    ck_assert_int_eq(insp_str_read(reader(), 0x1000, text, sizeof(text)), -1);
    ck_assert(!reader()->bad);
}
END_TEST

START_TEST(utf8_of_the_target_is_taken_as_code_points)
{
    insp_str s = insp_str_init(text, sizeof(text));
    insp_str_utf8(&s, "a\xc3\xa9\xff\xc3(\xf0\x9f\x98\x80\xe2\x80");
    ck_assert_str_eq(text, "a\xc3\xa9\\udcff\\udcc3(\xf0\x9f\x98\x80\\udce2\\udc80");
}
END_TEST

START_TEST(values_read_as_repr_would_begin)
{
    insp_addr items[] = {fake_int(&f, 7), f.none}, key = fake_str(&f, "k");
    ck_assert_str_eq(value(fake_list(&f, items, 2)), "[7, None]");
    ck_assert_str_eq(value(fake_tuple(&f, items, 1)), "(7,)");
    ck_assert_str_eq(value(fake_dict(&f, FAKE_UNICODE, &key, items, 1)), "{'k': 7}");
    ck_assert_str_eq(value(fake_bytes(&f, "a\0\xff'", 4)), "b'a\\x00\\xff\\''");
    ck_assert_str_eq(value(fake_int(&f, -12)), "-12");
    ck_assert_str_eq(value(f.list_type), "<class 'list'>");
    ck_assert_str_eq(value(0), "NULL");
    ck_assert_str_eq(value(0x1000), "<no object>");
}
END_TEST

START_TEST(a_list_in_itself_ends)
{
    insp_addr list = fake_list(&f, &f.none, 1);
    fake_own(&f, FAKE_GET(&f, list, PyListObject, ob_item), list);
    ck_assert_ptr_nonnull(strstr(value(list), "[...]"));
}
END_TEST

START_TEST(an_int_of_no_possible_length_has_a_text)
{
    insp_addr n = fake_int(&f, 5);
    FAKE_SET(&f, n, PyVarObject, ob_size, UINT64_C(1) << 63);
    ck_assert_ptr_nonnull(strstr(value(n), "bits>"));
    FAKE_SET(&f, n, PyVarObject, ob_size, 2);
    FAKE_SET32(&f, n, PyLongObject, ob_digit, 1);
    fake_put32(&f, FAKE_AT(&f, n, PyLongObject, ob_digit) + 4, 1);
    ck_assert_str_eq(value(n), "1073741825");
}
END_TEST

START_TEST(containers_name_and_visit_what_they_hold)
{
    insp_addr items[] = {fake_int(&f, 1), fake_int(&f, 2)};
    insp_addr keys[] = {fake_str(&f, "a"), fake_str(&f, "b")};
    ck_assert_str_eq(walked(fake_list(&f, items, 2)), "[0]=1; [1]=2");
    ck_assert_str_eq(walked(fake_tuple(&f, items, 2)), "[0]=1; [1]=2");
    ck_assert_str_eq(walked(fake_set(&f, items, 2)), "key 1=1; key 2=2");
    // dict_traverse visits keys only where they may be part of a cycle.
    ck_assert_str_eq(walked(fake_dict(&f, FAKE_UNICODE, keys, items, 2)),
                     "!key 'a'='a'; ['a']=1; !key 'b'='b'; ['b']=2");
    ck_assert_str_eq(walked(fake_dict(&f, FAKE_GENERAL, items, keys, 2)),
                     "key 1=1; [1]='a'; key 2=2; [2]='b'");
    insp_addr shared = fake_keys(&f, FAKE_SPLIT, keys, NULL, 2);
    ck_assert_str_eq(walked(fake_split_dict(&f, shared, items, 2)), "['a']=1; ['b']=2");
    ck_assert_str_eq(walked(items[0]), "");
}
END_TEST

START_TEST(a_slot_is_where_the_pointer_lies)
{
    insp_addr items[] = {fake_int(&f, 1), 0, fake_int(&f, 3)};
    insp_addr list = fake_list(&f, items, 3), array = FAKE_GET(&f, list, PyListObject, ob_item);
    walk(list);
    ck_assert_uint_eq(refs.len, 3);
    ck_assert_int_eq(refs.at[0].form, INSP_FORM_BODY);
    ck_assert_uint_eq(refs.at[0].target, array);
    ck_assert_uint_eq(refs.at[1].slot, array);
    ck_assert_uint_eq(refs.at[2].slot, array + 16);
    ck_assert_uint_eq(refs.at[2].target, items[2]);
    ck_assert_int_eq(refs.at[2].kind, INSP_REF_OWNED);
}
END_TEST

START_TEST(a_dummy_of_a_set_is_no_item)
{
    insp_addr item = fake_int(&f, 1), set = fake_set(&f, &item, 1);
    insp_addr table = FAKE_GET(&f, set, PySetObject, table);
    fake_put(&f, table + 16, f.none);
    fake_put(&f, table + 24, UINT64_MAX);
    ck_assert_str_eq(walked(set), "key 1=1");
}
END_TEST

START_TEST(an_instance_names_its_attributes_and_owns_its_class)
{
    static const char *const names[] = {"x", "y"};
    insp_addr type = fake_class(&f, "Point", names, 2);
    insp_addr values[] = {fake_int(&f, 3), 0};
    // Opened once more: the class has to be known when classes are told apart.
    insp_heap_deinit(&f.heap);
    ck_assert_int_eq(insp_heap_init(&f.heap, &f.py, NULL), INSP_OK);
    f.heap.decoder.refs = &refs;
    f.heap.decoder.all = true;
    insp_addr point = fake_instance(&f, type, values, 2);
    ck_assert_str_eq(walked(point), "ob_type=<class '__main__.Point'>; .x=3");
    const insp_typeinfo *t = insp_type_at(&f.heap.types, reader(), type);
    ck_assert_str_eq(t->name, "Point");
    ck_assert_str_eq(t->module, "__main__");
    ck_assert_int_eq(t->preheader, 16);
    ck_assert(t->is_class && t->is_heap && t->is_gc);
    ck_assert_str_eq(value(point), "<Point>");
}
END_TEST

START_TEST(a_weakref_does_not_own_its_referent)
{
    insp_addr list = fake_list(&f, NULL, 0), ref = fake_weakref(&f, list, f.none);
    ck_assert_str_eq(walked(ref), "!.referent=[]; .__callback__=None");
    walk(ref);
    ck_assert_int_eq(refs.at[0].kind, INSP_REF_WEAK);
    ck_assert_int_eq(refs.at[1].kind, INSP_REF_OWNED);
    f.heap.decoder.all = false;
    ck_assert_str_eq(walked(ref), ".__callback__=None");
}
END_TEST

// It walks to the end of memory, at most: 1 MiB of words.
START_TEST(a_list_of_no_possible_length_ends_with_a_finding)
{
    insp_addr list = fake_list(&f, &f.none, 1);
    FAKE_SET(&f, list, PyVarObject, ob_size, INT64_MAX);
    walk(list);
    ck_assert_uint_eq(fake_findings(&f, "object-unreadable"), 1);
    ck_assert_uint_eq(f.findings.rows.at[0].addr, list);
    ck_assert_uint_lt(flushed + refs.len, FAKE_ROOM / 8);
    ck_assert(!reader()->bad);
}
END_TEST

START_TEST(a_list_of_negative_length_has_no_items)
{
    insp_addr list = fake_list(&f, &f.none, 1);
    FAKE_SET(&f, list, PyVarObject, ob_size, UINT64_MAX);
    ck_assert_str_eq(walked(list), "");
}
END_TEST

static const struct {
    insp_member member;
    uint8_t value;
} damage[] = {
    {INSP_F_PyDictKeysObject_dk_kind, 3},
    {INSP_F_PyDictKeysObject_dk_log2_size, 49},
    {INSP_F_PyDictKeysObject_dk_log2_size, 255},
    {INSP_F_PyDictKeysObject_dk_log2_index_bytes, 53},
    {INSP_F_PyDictKeysObject_dk_log2_index_bytes, 2},
    {INSP_F_PyDictKeysObject_dk_nentries, 9},
    {INSP_F_PyDictKeysObject_dk_usable, 9},
};

START_TEST(a_damaged_table_is_a_finding_and_no_reference)
{
    insp_addr key = fake_str(&f, "k"), dict = fake_dict(&f, FAKE_UNICODE, &key, &f.none, 1);
    insp_addr keys = FAKE_GET(&f, dict, PyDictObject, ma_keys);
    ck_assert_uint_eq(insp_dict_find(reader(), dict, "k"), f.none);
    ck_assert_uint_eq(insp_dict_find(reader(), dict, "j"), 0);
    fake_put8(&f, keys + (uint32_t)f.layout.off[damage[_i].member], damage[_i].value);
    ck_assert_str_eq(walked(dict), "");
    ck_assert_uint_eq(fake_findings(&f, "dict-keys"), 1);
    ck_assert_uint_eq(insp_dict_find(reader(), dict, "k"), 0);
}
END_TEST

START_TEST(a_dict_without_keys_is_a_finding)
{
    insp_addr dict = fake_dict(&f, FAKE_UNICODE, NULL, NULL, 0);
    FAKE_SET(&f, dict, PyDictObject, ma_keys, 0);
    walk(dict);
    ck_assert_uint_eq(fake_findings(&f, "dict-keys"), 1);
    ck_assert(!reader()->bad);
}
END_TEST

START_TEST(no_type_is_where_none_is)
{
    ck_assert_ptr_null(insp_type_at(&f.heap.types, reader(), f.none));
    ck_assert_ptr_null(insp_type_at(&f.heap.types, reader(), f.int_type + 8));
    insp_addr bad = fake_type(&f, "bad", 8, 0, 0);
    ck_assert_ptr_null(insp_type_at(&f.heap.types, reader(), bad));
    const insp_typeinfo *t = insp_type_at(&f.heap.types, reader(), f.list_type);
    ck_assert_str_eq(t->name, "list");
    ck_assert_str_eq(t->module, "builtins");
    ck_assert_int_eq(t->kind, INSP_KIND_LIST);
    ck_assert_ptr_eq(insp_type_at(&f.heap.types, reader(), f.list_type), t);
}
END_TEST

START_TEST(a_namespace_is_searched_as_far_as_its_budget_goes)
{
    insp_addr keys[3] = {fake_str(&f, "a"), fake_str(&f, "b"), fake_str(&f, "c")};
    insp_addr dict = fake_dict(&f, FAKE_UNICODE, keys, keys, 3);
    uint64_t budget = 5;
    ck_assert_uint_eq(insp_namespace_find(reader(), dict, "c", &budget), keys[2]);
    ck_assert_uint_eq(budget, 2);
    ck_assert_uint_eq(insp_namespace_find(reader(), dict, "c", &budget), 0);
    ck_assert_uint_eq(budget, 0);
    ck_assert_uint_eq(insp_dict_find(reader(), dict, "c"), keys[2]);
}
END_TEST

// Many types may claim the same bases, members and names.
START_TEST(types_are_looked_at_within_a_budget_for_all_of_them)
{
    enum { CLASSES = 40 };
    insp_addr base = f.object_type;
    for (int i = 0; i < CLASSES; i++) {
        insp_addr type = fake_class(&f, "Derived", NULL, 0);
        FAKE_SET(&f, type, PyTypeObject, tp_base, base);
        base = type;
    }
    uint64_t before = f.heap.types.budget;
    const insp_typeinfo *t = insp_type_at(&f.heap.types, reader(), base);
    ck_assert(t && t->sizeof_known);
    ck_assert_uint_lt(f.heap.types.budget, before);
    ck_assert_uint_eq(fake_findings(&f, "types"), 0);
    f.heap.types.budget = 20;
    insp_addr more = fake_class(&f, "More", NULL, 0), last = fake_class(&f, "Last", NULL, 0);
    FAKE_SET(&f, more, PyTypeObject, tp_base, base);
    FAKE_SET(&f, last, PyTypeObject, tp_base, base);
    ck_assert_ptr_nonnull(insp_type_at(&f.heap.types, reader(), more));
    ck_assert_ptr_nonnull(insp_type_at(&f.heap.types, reader(), last));
    ck_assert_uint_eq(f.heap.types.budget, 0);
    ck_assert_uint_eq(fake_findings(&f, "types"), 1);
}
END_TEST

START_TEST(what_a_base_inherits_is_not_looked_for_again)
{
    insp_addr base = fake_class(&f, "Base", NULL, 0),
              derived = fake_class(&f, "Derived", NULL, 0);
    FAKE_SET(&f, derived, PyTypeObject, tp_base, base);
    ck_assert(insp_type_at(&f.heap.types, reader(), base)->sizeof_known);
    // From here on nothing says so but what was seen before.
    FAKE_SET(&f, f.object_type, PyTypeObject, tp_dict, 0);
    ck_assert(insp_type_at(&f.heap.types, reader(), derived)->sizeof_known);
}
END_TEST

static insp_addr code_with(const uint8_t *table, uint32_t n)
{
    insp_addr code = fake_chunk(&f, 256);
    FAKE_SET(&f, code, PyObject, ob_type, f.code_type);
    FAKE_SET32(&f, code, PyCodeObject, co_firstlineno, 10);
    FAKE_SET(&f, code, PyCodeObject, co_linetable, fake_bytes(&f, table, n));
    return code;
}

static int64_t line_at(insp_addr code, uint32_t unit)
{
    return insp_code_line(&f.heap.decoder, code,
                          FAKE_AT(&f, code, PyCodeObject, co_code_adaptive) + unit * 2u);
}

// Objects/locations.md: an entry's first byte is 1, four bits of a code, and units less one.
START_TEST(a_line_table_is_read_in_all_its_forms)
{
    enum { SHORT = 0x80 | 3 << 3, ONE_LINE = 0x80 | 12 << 3, NO_COLUMNS = 0x80 | 13 << 3 };
    enum { LONG = 0x80 | 14 << 3, NONE = 0x80 | 15 << 3 };
    static const uint8_t table[] = {
        SHORT | 1,  0,                    // units 0, 1: line 10
        ONE_LINE,   1,        2,          // unit 2: two lines on, 12
        NO_COLUMNS, 0x05,                 // unit 3: -2, line 10
        NONE,                             // unit 4: none
        LONG | 2,   0x40 | 8, 1, 0, 1, 1, // units 5 to 7: 72 / 2 = 36 on, line 46
        NO_COLUMNS, 0,                    // unit 8: line 46
    };
    static const int64_t lines[] = {10, 10, 12, 10, 0, 46, 46, 46, 46, 0};
    insp_addr code = code_with(table, sizeof(table));
    for (uint32_t i = 0; i < 10; i++)
        ck_assert_msg(line_at(code, i) == lines[i], "unit %u: line %d", i,
                      (int)line_at(code, i));
    // Before its first instruction a frame stands in front of its code.
    ck_assert_int_eq(insp_code_line(&f.heap.decoder, code, code), 10);
}
END_TEST

// Many frames may claim a table that is as large as memory.
START_TEST(line_tables_are_read_within_a_budget_for_all_of_them)
{
    uint8_t table[200];
    memset(table, 0x80, sizeof(table));
    insp_addr code = code_with(table, sizeof(table));
    f.heap.decoder.code_bytes = 150;
    ck_assert_int_ne(line_at(code, 90), 0);
    ck_assert_int_eq(line_at(code, 90), 0);
    ck_assert_uint_eq(f.heap.decoder.code_bytes, 0);
}
END_TEST

START_TEST(a_damaged_line_table_gives_no_line)
{
    uint8_t table[15 * 13];
    memset(table, 0xff, sizeof(table));
    insp_addr code = code_with(table, sizeof(table));
    ck_assert_int_eq(line_at(code, 100000), 0);
    for (size_t i = 0; i < sizeof(table); i += 13) {
        memset(table + i, 0x7f, 13);
        table[i] = 0x80 | 13 << 3;
    }
    code = code_with(table, sizeof(table));
    ck_assert_int_eq(line_at(code, 100000), 0);
    FAKE_SET(&f, code, PyCodeObject, co_linetable, 0x1000);
    ck_assert_int_eq(line_at(code, 0), 0);
    ck_assert(!reader()->bad);
}
END_TEST

static void add_text_tests(TCase *t)
{
    tcase_add_test(t, strings_of_every_width_are_read);
    tcase_add_test(t, what_would_drive_a_terminal_is_escaped);
    tcase_add_test(t, a_str_is_cut_to_the_room_there_is);
    tcase_add_test(t, what_contradicts_itself_is_no_str);
    tcase_add_test(t, utf8_of_the_target_is_taken_as_code_points);
    tcase_add_test(t, values_read_as_repr_would_begin);
    tcase_add_test(t, a_list_in_itself_ends);
    tcase_add_test(t, an_int_of_no_possible_length_has_a_text);
}

START_TEST(only_what_comes_again_closes_a_chain)
{
    insp_chain ends = {0}, goes_round = {0};
    ck_assert(!insp_chain_closes(&ends, 0));
    for (insp_addr at = 8; at < 80; at += 8)
        ck_assert(!insp_chain_closes(&ends, at));
    ck_assert(!insp_chain_closes(&ends, 0));
    int turns = 0;
    while (turns < 100 && !insp_chain_closes(&goes_round, 8 + 8 * ((insp_addr)turns % 5)))
        turns++;
    ck_assert_int_lt(turns, 20);
}
END_TEST

extern Suite *insp_object_suite(void);

Suite *insp_object_suite(void)
{
    Suite *s = suite_create("object");
    TCase *t = tcase_create("object");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    add_text_tests(t);
    tcase_add_test(t, containers_name_and_visit_what_they_hold);
    tcase_add_test(t, a_slot_is_where_the_pointer_lies);
    tcase_add_test(t, a_dummy_of_a_set_is_no_item);
    tcase_add_test(t, an_instance_names_its_attributes_and_owns_its_class);
    tcase_add_test(t, a_weakref_does_not_own_its_referent);
    tcase_add_test(t, a_list_of_no_possible_length_ends_with_a_finding);
    tcase_add_test(t, a_list_of_negative_length_has_no_items);
    tcase_add_loop_test(t, a_damaged_table_is_a_finding_and_no_reference, 0,
                        sizeof(damage) / sizeof(damage[0]));
    tcase_add_test(t, a_dict_without_keys_is_a_finding);
    tcase_add_test(t, a_namespace_is_searched_as_far_as_its_budget_goes);
    tcase_add_test(t, types_are_looked_at_within_a_budget_for_all_of_them);
    tcase_add_test(t, what_a_base_inherits_is_not_looked_for_again);
    tcase_add_test(t, line_tables_are_read_within_a_budget_for_all_of_them);
    tcase_add_test(t, no_type_is_where_none_is);
    tcase_add_test(t, a_line_table_is_read_in_all_its_forms);
    tcase_add_test(t, a_damaged_line_table_gives_no_line);
    tcase_add_test(t, only_what_comes_again_closes_a_chain);
    suite_add_tcase(s, t);
    return s;
}
