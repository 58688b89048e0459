// SPDX-License-Identifier: MIT
#include "small_target.h"

#include <stdlib.h>

#include "asserts.h"

insp_space space;
insp_error err;
insp_machine *machine;
unsigned char code[PAGE], text[PAGE], data[PAGE], *large;
uint64_t result;

void add_range(insp_addr start, size_t size, const unsigned char *bytes, uint32_t flags)
{
    insp_segment seg = {.start = start, .end = start + size, .bytes = bytes, .flags = flags};
    ck_ok(insp_space_add(&space, seg, &err));
}

void create_machine(insp_machine_options options)
{
    if (!options.max_instructions)
        options.max_instructions = BUDGET;
    insp_machine_destroy(machine);
    machine = NULL;
    ck_ok(insp_machine_create(&space, &options, &machine, &err));
}

void small_target_setup(void)
{
    large = calloc(1, LARGE_SIZE);
    ck_assert_ptr_nonnull(large);
    memset(code, 0x90, sizeof(code));
    for (size_t i = 0; i < PAGE; i++)
        data[i] = text[i] = (unsigned char)i;
    add_range(CODE, PAGE, code, INSP_SEG_EXEC);
    add_range(TEXT, PAGE, text, 0);
    add_range(DATA, PAGE, data, INSP_SEG_WRITE);
    add_range(LARGE, LARGE_SIZE, large, INSP_SEG_WRITE);
    create_machine((insp_machine_options){0});
}

void small_target_teardown(void)
{
    insp_machine_destroy(machine);
    machine = NULL;
    insp_space_deinit(&space);
    space = (insp_space){0};
    free(large);
}

void set_program(const unsigned char *bytes, size_t n)
{
    memset(code, 0x90, sizeof(code));
    memcpy(code, bytes, n);
    // What was decoded before is not looked at again.
    create_machine((insp_machine_options){0});
}

insp_status run(void)
{
    const uint64_t args[2] = {DATA, LARGE};
    return insp_machine_call(machine, CODE, args, 2, NULL, NULL, &result, &err);
}
