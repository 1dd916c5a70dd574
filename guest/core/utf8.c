#include "core/utf8.h"

enum {
    CONTINUATION_LOW = 0x80,
    CONTINUATION_HIGH = 0xbf,
    CONTINUATION_BITS = 6,
};

/* The sequence so far is `code`, and `missing` more bytes are to come, the next of them within low..high. */
static unsigned expect(struct utf8 *utf8, uint32_t code, uint8_t missing, uint8_t low, uint8_t high)
{
    utf8->code = code;
    utf8->missing = missing;
    utf8->low = low;
    utf8->high = high;
    return 0;
}

static unsigned replace(struct utf8 *utf8, uint32_t *character)
{
    utf8->missing = 0;
    utf8->replaced = true;
    *character = UTF8_REPLACEMENT;
    return 1;
}

/* A byte that does not continue anything. The bounds of the second byte are those of table 3-7: they exclude overlong
 * forms, surrogates, and what lies above U+10FFFF. */
static unsigned take_first(struct utf8 *utf8, uint8_t byte, uint32_t *character)
{
    if (byte < 0x80) {
        *character = byte;
        return 1;
    }
    if (byte >= 0xc2 && byte <= 0xdf) {
        return expect(utf8, byte & 0x1fu, 1, CONTINUATION_LOW, CONTINUATION_HIGH);
    }
    if (byte >= 0xe0 && byte <= 0xef) {
        return expect(utf8, byte & 0x0fu, 2, byte == 0xe0 ? 0xa0 : CONTINUATION_LOW,
                      byte == 0xed ? 0x9f : CONTINUATION_HIGH);
    }
    if (byte >= 0xf0 && byte <= 0xf4) {
        return expect(utf8, byte & 0x07u, 3, byte == 0xf0 ? 0x90 : CONTINUATION_LOW,
                      byte == 0xf4 ? 0x8f : CONTINUATION_HIGH);
    }
    return replace(utf8, character);
}

unsigned utf8_take(struct utf8 *utf8, uint8_t byte, uint32_t characters[2])
{
    if (utf8->missing == 0) {
        return take_first(utf8, byte, characters);
    }
    if (byte < utf8->low || byte > utf8->high) {
        replace(utf8, characters);
        return 1 + take_first(utf8, byte, characters + 1);
    }
    uint32_t code = utf8->code << CONTINUATION_BITS | (byte & 0x3fu);
    uint8_t missing = (uint8_t)(utf8->missing - 1);

    expect(utf8, code, missing, CONTINUATION_LOW, CONTINUATION_HIGH);
    characters[0] = code;
    return missing == 0;
}

unsigned utf8_put(uint32_t character, char bytes[UTF8_BYTES])
{
    static const uint8_t firsts[] = {0x00, 0x00, 0xc0, 0xe0, 0xf0};
    unsigned count = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

    for (unsigned i = count - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (character & 0x3f));
        character >>= CONTINUATION_BITS;
    }
    bytes[0] = (char)(firsts[count] | character);
    return count;
}
