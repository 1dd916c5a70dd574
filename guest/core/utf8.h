/* Bytes to characters, one byte at a time, whatever the bytes are.
 *
 * Each maximal subpart of an ill-formed sequence becomes one U+FFFD (Unicode, section 3.9, table 3-7): a sequence that
 * breaks off is one, and the byte that broke it is looked at afresh. Nothing is dropped: a damaged name must not
 * turn into another valid one. */
#ifndef NINEDOOR_CORE_UTF8_H
#define NINEDOOR_CORE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

enum {
    UTF8_REPLACEMENT = 0xfffd,
    UTF8_BYTES = 4, /* of the longest character */
};

/* A sequence that is not complete; all zero is none. */
struct utf8 {
    uint32_t code;     /* of it so far */
    uint8_t missing;   /* bytes still to come */
    uint8_t low, high; /* what the next one may be */
    bool replaced;     /* whether anything so far was ill-formed */
};

/* Take `byte`; returns how many characters, 0 to 2, are now in `characters`. */
unsigned utf8_take(struct utf8 *utf8, uint8_t byte, uint32_t characters[2]);

/* The bytes of `character`, 1 to UTF8_BYTES of them, into `bytes`. Precondition: a Unicode scalar value. */
unsigned utf8_put(uint32_t character, char bytes[UTF8_BYTES]);

#endif
