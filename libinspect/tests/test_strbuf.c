// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../src/base/strbuf.h"
#include "support/must.h"

START_TEST(a_text_that_exactly_fits_is_not_cut)
{
    char buf[6];
    insp_str s = insp_str_init(buf, sizeof(buf));
    insp_str_add(&s, "ab");
    insp_str_printf(&s, "%d", 123);
    insp_str_add(&s, "");
    insp_str_bytes(&s, NULL, 0);
    ck_assert_str_eq(buf, "ab123");
    ck_assert(!s.cut && s.len == 5);
    insp_str_bytes(&s, "x", 1);
    ck_assert_str_eq(buf, "ab123");
    ck_assert(s.cut && s.len == 5);
}
END_TEST

START_TEST(nothing_follows_a_cut)
{
    char buf[6];
    insp_str s = insp_str_init(buf, sizeof(buf));
    insp_str_add(&s, "abc");
    insp_str_printf(&s, "%s", "def");
    ck_assert(s.cut);
    insp_str_add(&s, "g");
    insp_str_printf(&s, "%c", 'h');
    insp_str_escaped(&s, 'i', '\'');
    ck_assert_str_eq(buf, "abc");
    ck_assert_uint_eq(s.len, 3);
}
END_TEST

START_TEST(a_buffer_of_one_byte_is_an_empty_text)
{
    char buf[2] = "zz";
    insp_str s = insp_str_init(buf, 1);
    insp_str_add(&s, "");
    ck_assert(!s.cut);
    insp_str_add(&s, "a");
    insp_str_printf(&s, "b");
    ck_assert(s.cut && buf[0] == '\0' && buf[1] == 'z');
}
END_TEST

START_TEST(what_cannot_be_formatted_is_a_cut)
{
    char buf[32];
    insp_str s = insp_str_init(buf, sizeof(buf));
    insp_str_add(&s, "so far");
    // In the C locale this character has no encoding, and vsnprintf fails.
    insp_str_printf(&s, "x%lsx", (const wchar_t *)L"\x4e2d");
    ck_assert_str_eq(buf, "so far");
    ck_assert(s.cut);
}
END_TEST

static const char *escaped(uint32_t c, char quote, char *buf, size_t size)
{
    insp_str s = insp_str_init(buf, size);
    insp_str_escaped(&s, c, quote);
    must(strlen(buf) == s.len && s.len < size);
    return buf;
}

// The code point that a text of one character or one escape stands for.
static uint32_t meaning(const char *text)
{
    const unsigned char *b = (const unsigned char *)text;
    size_t n = strlen(text);
    if (b[0] == '\\' && (b[1] == 'x' || b[1] == 'u' || b[1] == 'U')) {
        must(n == (b[1] == 'x' ? 4u : b[1] == 'u' ? 6u : 10u));
        return (uint32_t)strtoul(text + 2, NULL, 16);
    }
    if (b[0] == '\\') {
        must(n == 2);
        return b[1] == 'n' ? '\n' : b[1] == 'r' ? '\r' : b[1] == 't' ? '\t' : b[1];
    }
    static const unsigned char bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    must(n >= 1 && n <= 4);
    uint32_t c = b[0] & bits[n];
    for (size_t i = 1; i < n; i++) {
        must((b[i] & 0xc0) == 0x80);
        c = c << 6 | (b[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    must(c >= least[n]);
    return c;
}

START_TEST(every_code_point_can_be_read_back_and_drives_no_terminal)
{
    char buf[16];
    for (uint32_t c = 0; c < 0x110100; c++) {
        const char *text = escaped(c, '\'', buf, sizeof(buf));
        must(meaning(text) == c);
        for (const unsigned char *b = (const unsigned char *)text; *b; b++) {
            must(*b >= 0x20 && *b != 0x7f);
            must(*b != 0xc2 || b[1] >= 0xa0); // C1 controls
        }
    }
    ck_assert_str_eq(escaped(UINT32_MAX, 0, buf, sizeof(buf)), "\\Uffffffff");
}
END_TEST

// First and last of what never stands for itself.
static const uint32_t unsafe[][2] = {
    {0x00, 0x1f},        // C0 controls
    {0x7f, 0xa0},        // delete, C1 controls, no-break space
    {0xad, 0xad},        // soft hyphen
    {0x61c, 0x61c},      // Arabic letter mark
    {0x200b, 0x200f},    // zero widths, directional marks
    {0x2028, 0x202e},    // separators, embeddings and overrides
    {0x2060, 0x206f},    // joiners, isolates
    {0xd800, 0xdfff},    // surrogates
    {0xe000, 0xf8ff},    // private use
    {0xfdd0, 0xfdef},    // no characters
    {0xfeff, 0xfeff},    // byte order mark
    {0xfff9, 0xfffb},    // annotations
    {0xfffe, 0xffff},    // no characters
    {0x1d173, 0x1d17a},  // musical controls
    {0x1fffe, 0x1ffff},  // no characters
    {0xe0001, 0xe007f},  // tags
    {0xf0000, 0x10ffff}, // private use
    {0x110000, 0x110fff},
};

START_TEST(what_moves_hides_or_reorders_is_escaped) // one run a row
{
    char buf[16];
    for (uint32_t c = unsafe[_i][0]; c <= unsafe[_i][1]; c++) {
        const char *text = escaped(c, '\'', buf, sizeof(buf));
        must(text[0] == '\\');
        for (; *text; text++)
            must(*text > 0x20 && *text < 0x7f);
    }
}
END_TEST

static const struct {
    uint32_t c;
    char quote;
    const char *text;
} reprs[] = {
    {'a', '\'', "a"},
    {' ', '\'', " "},
    {'~', '\'', "~"},
    {'\n', '\'', "\\n"},
    {'\r', '\'', "\\r"},
    {'\t', '\'', "\\t"},
    {0, '\'', "\\x00"},
    {0x1b, '\'', "\\x1b"},
    {0x9b, '\'', "\\x9b"},
    {'\'', '\'', "\\'"},
    {'\'', '"', "'"},
    {'"', '"', "\\\""},
    {'"', 0, "\""},
    {'\\', 0, "\\\\"},
    {0xe9, '\'', "\xc3\xa9"},
    {0x436, '\'', "\xd0\xb6"},
    {0x5d0, '\'', "\xd7\x90"},
    {0x915, '\'', "\xe0\xa4\x95"},
    {0x4e2d, '\'', "\xe4\xb8\xad"},
    {0x1f600, '\'', "\xf0\x9f\x98\x80"},
    {0x200e, '\'', "\\u200e"},
    {0x202e, '\'', "\\u202e"},
    {0xdc80, '\'', "\\udc80"},
    {0x10ffff, '\'', "\\U0010ffff"},
};

START_TEST(a_code_point_looks_as_in_a_repr) // one run a row
{
    char buf[16];
    ck_assert_str_eq(escaped(reprs[_i].c, reprs[_i].quote, buf, sizeof(buf)), reprs[_i].text);
}
END_TEST

START_TEST(a_cut_never_splits_a_character_or_an_escape)
{
    char whole[16], buf[16];
    for (size_t i = 0; i < sizeof(reprs) / sizeof(reprs[0]); i++) {
        size_t n = strlen(escaped(reprs[i].c, reprs[i].quote, whole, sizeof(whole)));
        for (size_t size = 1; size < sizeof(buf); size++) {
            memset(buf, 'z', sizeof(buf));
            insp_str s = insp_str_init(buf, size);
            insp_str_escaped(&s, reprs[i].c, reprs[i].quote);
            must(s.cut == (size <= n));
            must(!strcmp(buf, s.cut ? "" : whole));
            must(size == sizeof(buf) - 1 || buf[size] == 'z');
        }
    }
}
END_TEST

extern Suite *insp_strbuf_suite(void);

Suite *insp_strbuf_suite(void)
{
    Suite *s = suite_create("strbuf");
    TCase *t = tcase_create("strbuf");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_text_that_exactly_fits_is_not_cut);
    tcase_add_test(t, nothing_follows_a_cut);
    tcase_add_test(t, a_buffer_of_one_byte_is_an_empty_text);
    tcase_add_test(t, what_cannot_be_formatted_is_a_cut);
    tcase_add_test(t, every_code_point_can_be_read_back_and_drives_no_terminal);
    tcase_add_loop_test(t, what_moves_hides_or_reorders_is_escaped, 0,
                        sizeof(unsafe) / sizeof(unsafe[0]));
    tcase_add_loop_test(t, a_code_point_looks_as_in_a_repr, 0,
                        sizeof(reprs) / sizeof(reprs[0]));
    tcase_add_test(t, a_cut_never_splits_a_character_or_an_escape);
    suite_add_tcase(s, t);
    return s;
}
