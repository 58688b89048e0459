// SPDX-License-Identifier: MIT
#include "../src/object/frame.h"
#include "support/fakeheap.h"

#include <string.h>

// Opcodes of 3.11.
enum {
    POP_TOP = 1,
    PUSH_NULL = 2,
    PUSH_EXC_INFO = 35,
    GET_ITER = 68,
    RETURN_VALUE = 83,
    FOR_ITER = 93,
    LOAD_CONST = 100,
    BUILD_TUPLE = 102,
    JUMP_FORWARD = 110,
    BINARY_OP = 122,
    JUMP_BACKWARD = 140,
    EXTENDED_ARG = 144,
    PRECALL = 166,
    CALL = 171
};

static fakeheap f;
static insp_depth at;

static void set_up(void)
{
    fake_init(&f);
    fake_open(&f);
}

static void tear_down(void)
{
    fake_deinit(&f);
}

static insp_addr code_of(const uint8_t *units, uint32_t bytes, const void *handlers, uint32_t n)
{
    insp_addr code = fake_chunk(&f, 256 + bytes);
    FAKE_SET(&f, code, PyObject, ob_type, f.code_type);
    FAKE_SET(&f, code, PyVarObject, ob_size, bytes / 2);
    FAKE_SET32(&f, code, PyCodeObject, co_stacksize, 20);
    FAKE_SET(&f, code, PyCodeObject, co_exceptiontable, fake_bytes(&f, handlers, n));
    memcpy(fake_at(&f, FAKE_AT(&f, code, PyCodeObject, co_code_adaptive)), units, bytes);
    return code;
}

static int depth_at(insp_addr code, uint32_t unit)
{
    return insp_depth_at(&f.heap.decoder, code, unit, &at) ? (int)at.before : -1;
}

#define CODE(units) code_of((units), sizeof(units), "", 0)

START_TEST(depths_follow_loops_and_jumps)
{
    static const uint8_t units[] = {
        LOAD_CONST, 0, GET_ITER,     0, FOR_ITER,      6, LOAD_CONST, 0, BINARY_OP,    0, 0, 0,
        POP_TOP,    0, JUMP_FORWARD, 0, JUMP_BACKWARD, 7, LOAD_CONST, 0, RETURN_VALUE, 0};
    static const int depths[] = {0, 1, 1, 2, 3, -1, 2, 1, 1, 0, 1};
    insp_addr code = CODE(units);
    for (uint32_t i = 0; i < 11; i++)
        ck_assert_msg(depth_at(code, i) == depths[i], "unit %u: %d", i, depth_at(code, i));
}
END_TEST

START_TEST(a_prefix_is_part_of_the_argument)
{
    static const uint8_t units[] = {LOAD_CONST,  0, LOAD_CONST,   0, EXTENDED_ARG, 0,
                                    BUILD_TUPLE, 2, RETURN_VALUE, 0};
    insp_addr code = CODE(units);
    ck_assert_int_eq(depth_at(code, 3), 2);
    ck_assert_uint_eq(at.operands, 2);
    ck_assert_uint_eq(at.after, 1);
    ck_assert_int_eq(depth_at(code, 4), 1);
}
END_TEST

START_TEST(a_handler_begins_where_its_table_says)
{
    // Units 0 to 1, handler at 4, depth 3, with the instruction that raised.
    static const uint8_t handlers[] = {0x80, 2, 4, 3 << 1 | 1};
    static const uint8_t units[] = {LOAD_CONST, 0, RETURN_VALUE,  0, 0, 0,
                                    0,          0, PUSH_EXC_INFO, 0};
    insp_addr code = code_of(units, sizeof(units), handlers, sizeof(handlers));
    ck_assert_int_eq(depth_at(code, 4), 5);
    ck_assert_int_eq(depth_at(code, 2), -1);
}
END_TEST

START_TEST(what_cannot_be_told_is_not)
{
    // Unit 1 is come to with 1 and with 2.
    static const uint8_t two[] = {LOAD_CONST, 0, LOAD_CONST, 0, JUMP_BACKWARD, 2};
    ck_assert_int_eq(depth_at(CODE(two), 1), -1);
    static const uint8_t unknown[] = {LOAD_CONST, 0, 233, 0, RETURN_VALUE, 0};
    insp_addr code = CODE(unknown);
    ck_assert_int_eq(depth_at(code, 1), -1);
    ck_assert_int_eq(depth_at(code, 2), -1);
    ck_assert_int_eq(depth_at(code, 1000), -1);
    static const uint8_t empty[] = {POP_TOP, 0, RETURN_VALUE, 0};
    ck_assert_int_eq(depth_at(CODE(empty), 1), -1);
}
END_TEST

START_TEST(damaged_sizes_end)
{
    static const uint8_t units[] = {LOAD_CONST, 0, RETURN_VALUE, 0};
    insp_addr code = CODE(units);
    FAKE_SET(&f, code, PyVarObject, ob_size, UINT64_C(1) << 60);
    ck_assert_int_eq(depth_at(code, 1), -1);
    code = CODE(units);
    FAKE_SET(&f, code, PyCodeObject, co_exceptiontable, 0x1000);
    ck_assert_int_eq(depth_at(code, 1), 1);
    ck_assert(!f.heap.decoder.r.bad);
}
END_TEST

START_TEST(code_is_followed_within_a_budget_for_all_frames)
{
    static const uint8_t units[] = {LOAD_CONST, 0, LOAD_CONST, 0, RETURN_VALUE, 0};
    insp_addr code = CODE(units);
    f.heap.decoder.code_bytes = 4;
    ck_assert_int_eq(depth_at(code, 1), 1);
    ck_assert_uint_eq(f.heap.decoder.code_bytes, 1);
    ck_assert_int_eq(depth_at(code, 2), -1);
    insp_heap_refill(&f.heap);
    ck_assert_int_eq(depth_at(CODE(units), 2), 2);
}
END_TEST

// Slots of the frame of a call: what lies on its stack, the lowest first.
static insp_stack stack_of(insp_addr code, uint32_t unit, const insp_addr *slots, uint32_t n)
{
    insp_addr memory = fake_chunk(&f, 8 * 20);
    for (uint32_t i = 0; i < n; i++)
        fake_put(&f, memory + i * 8u, slots[i]);
    insp_iframe frame = {.code = code, .unit = unit, .slots = memory, .room = 20};
    return insp_stack_of(&f.heap.decoder, &frame);
}

START_TEST(the_lowest_operand_tells_whether_a_call_has_ended)
{
    static const uint8_t units[] = {
        PUSH_NULL, 0, LOAD_CONST, 0, LOAD_CONST, 0, PRECALL,      1, 0, 0, CALL, 1, 0, 0,
        0,         0, 0,          0, 0,          0, RETURN_VALUE, 0};
    insp_addr code = CODE(units), one = fake_int(&f, 1), builtin = f.list_type;
    fake_count(&f, one, 2);
    fake_put(&f, FAKE_AT(&f, f.type_type, PyTypeObject, tp_flags),
             FAKE_GET(&f, f.type_type, PyTypeObject, tp_flags) | 1 << 11);
    ck_assert_int_eq(depth_at(code, 5), 3);
    insp_stack runs = stack_of(code, 5, (insp_addr[]){0, builtin, one}, 3);
    ck_assert_uint_eq(runs.owned, 3);
    ck_assert_int_eq(insp_stack_kind(&runs, 2), INSP_REF_OWNED);
    insp_stack done = stack_of(code, 5, (insp_addr[]){one, builtin, one}, 3);
    ck_assert_uint_eq(done.owned, 1);
    ck_assert_int_eq(insp_stack_kind(&done, 0), INSP_REF_OWNED);
    ck_assert_int_eq(insp_stack_kind(&done, 1), -1);
    // Nobody can call an int: it lies in the place of what was called, uncounted.
    insp_stack lent = stack_of(code, 5, (insp_addr[]){0, one, one}, 3);
    ck_assert_int_eq(insp_stack_kind(&lent, 1), -1);
    ck_assert_int_eq(insp_stack_kind(&lent, 2), INSP_REF_OWNED);
}
END_TEST

START_TEST(what_is_let_go_is_not_owned)
{
    static const uint8_t units[] = {LOAD_CONST, 0, LOAD_CONST, 0, POP_TOP, 0, RETURN_VALUE, 0};
    insp_addr one = fake_int(&f, 1);
    insp_stack s = stack_of(CODE(units), 2, (insp_addr[]){one, one}, 2);
    ck_assert_int_eq(insp_stack_kind(&s, 0), INSP_REF_OWNED);
    ck_assert_int_eq(insp_stack_kind(&s, 1), -1);
    ck_assert_int_eq(insp_stack_kind(&s, 2), -1);
}
END_TEST

START_TEST(an_unknown_depth_makes_all_of_it_possible)
{
    static const uint8_t units[] = {LOAD_CONST, 0, 233, 0};
    insp_stack s = stack_of(CODE(units), 1, NULL, 0);
    ck_assert_int_eq(insp_stack_kind(&s, 0), INSP_REF_POSSIBLE);
    ck_assert_int_eq(insp_stack_kind(&s, 19), INSP_REF_POSSIBLE);
    ck_assert_int_eq(insp_stack_kind(&s, 20), -1);
}
END_TEST

extern Suite *insp_depth_suite(void);

Suite *insp_depth_suite(void)
{
    Suite *s = suite_create("depth");
    TCase *t = tcase_create("depth");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, depths_follow_loops_and_jumps);
    tcase_add_test(t, a_prefix_is_part_of_the_argument);
    tcase_add_test(t, a_handler_begins_where_its_table_says);
    tcase_add_test(t, what_cannot_be_told_is_not);
    tcase_add_test(t, damaged_sizes_end);
    tcase_add_test(t, code_is_followed_within_a_budget_for_all_frames);
    tcase_add_test(t, the_lowest_operand_tells_whether_a_call_has_ended);
    tcase_add_test(t, what_is_let_go_is_not_owned);
    tcase_add_test(t, an_unknown_depth_makes_all_of_it_possible);
    suite_add_tcase(s, t);
    return s;
}
