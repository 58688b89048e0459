// SPDX-License-Identifier: MIT
/**
 * @file
 * Text in the target: str objects (Include/cpython/unicodeobject.h) and look-ups by str keys.
 */
#ifndef INSP_OBJECT_STR_H
#define INSP_OBJECT_STR_H

#include "../base/strbuf.h"
#include "../cpython/layout.h"

/** A str: where its characters are. */
typedef struct insp_str_view {
    uint64_t length; /**< code points */
    insp_addr data;
    uint32_t width; /**< bytes a code point: 1, 2, 4 */
    bool compact;   /**< the characters lie in the object itself */
    bool ascii;
} insp_str_view;

/** False where the object at addr cannot be a str: what its header says contradicts itself. */
bool insp_str_look(insp_reader *r, insp_addr addr, insp_str_view *out);

/** The i-th code point, 0 (and r->bad) where it cannot be read. */
uint32_t insp_str_char(insp_reader *r, const insp_str_view *v, uint64_t i);

/**
 * Whether the first `most` characters are ASCII that shows itself, no quote and no backslash: those of nearly
 * every name and key are.
 */
bool insp_str_is_plain(insp_reader *r, const insp_str_view *v, uint64_t most);

/** Append the first `most` characters, as insp_str_escaped does. */
void insp_str_chars(insp_reader *r, const insp_str_view *v, uint64_t most, char quote,
                    insp_str *out);

/** The text as UTF-8, escaped, cut to size; its length in buf, or -1 where there is no str at addr. */
int insp_str_read(insp_reader *r, insp_addr addr, char *buf, size_t size);

/** Whether the str at addr is this ASCII text. */
bool insp_str_equals(insp_reader *r, insp_addr addr, const char *text);

/** Append UTF-8 of the target, as code points, escaped; bytes that are no UTF-8 as \x... */
void insp_str_utf8(insp_str *s, const char *text);

/** How many digits of 30 bits an int has (Include/cpython/longintrepr.h). */
uint64_t insp_int_digits(insp_reader *r, insp_addr addr, bool *negative);

/** A dict's table. */
typedef struct insp_dict_table {
    insp_addr keys, entries;
    insp_addr values;       /**< the first of a split table's; 0 for a combined one */
    insp_addr values_block; /**< where their structure starts */
    uint64_t n;             /**< entries in use */
    uint32_t step;          /**< bytes an entry */
    uint32_t key_at; /**< of the key in its entry; in a combined table its value follows */
    bool unicode;    /**< keys are str, and tp_traverse leaves them out */
    bool shared;     /**< instances of a class may share the keys; up to 3.10: all are str */
    bool embedded;   /**< the values lie in an instance */
    uint64_t size;   /**< bytes of the keys object */
} insp_dict_table;

/** The table of a dict, or of the keys object alone (`values` 0). False where it is damaged. */
bool insp_dict_look(insp_reader *r, insp_addr dict, insp_dict_table *out);
bool insp_keys_look(insp_reader *r, insp_addr keys, insp_dict_table *out);

/** Fill in the values of a table whose keys are there: `values` is where their structure starts. */
bool insp_values_look(insp_reader *r, insp_addr values, insp_dict_table *t);

/** Key and value of entry i; value is 0 for a free one. */
void insp_dict_entry(insp_reader *r, const insp_dict_table *t, uint64_t i, insp_addr *key,
                     insp_addr *value);

/** The value of a str key, 0 where it is not there. Looks at every entry. */
insp_addr insp_dict_find(insp_reader *r, insp_addr dict, const char *key);

/**
 * The same of a namespace that is looked at for its type's or module's sake: at most *budget entries, which
 * are taken off it, and never more than a namespace has.
 */
insp_addr insp_namespace_find(insp_reader *r, insp_addr dict, const char *key,
                              uint64_t *budget);

#endif
