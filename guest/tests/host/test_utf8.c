/* Bytes to characters and back; the ill-formed examples are those of Unicode, section 3.9, table 3-8 and after. */
#include "check.h"
#include "core/utf8.h"

static size_t decode(const char *bytes, size_t size, uint32_t *out)
{
    struct utf8 utf8 = {0};
    size_t count = 0;

    for (size_t i = 0; i < size; i++) {
        uint32_t characters[2];
        unsigned taken = utf8_take(&utf8, (uint8_t)bytes[i], characters);

        for (unsigned j = 0; j < taken; j++) {
            out[count++] = characters[j];
        }
    }
    return count;
}

TEST(test_every_scalar_value_comes_back)
{
    for (uint32_t character = 0; character <= 0x10ffff; character++) {
        char bytes[UTF8_BYTES];
        uint32_t back[8];

        if (character >= 0xd800 && character <= 0xdfff) {
            continue;
        }
        EQUAL(decode(bytes, utf8_put(character, bytes), back), 1);
        EQUAL(back[0], character);
    }
}

TEST(test_each_maximal_subpart_is_one_replacement)
{
    uint32_t out[32];

    /* F0 90 94 then E1 80 E2 F0 91 92 F1 BF 41: three-byte prefixes are one each */
    EQUAL(decode("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 9, out), 5);
    EQUAL(out[3], UTF8_REPLACEMENT);
    EQUAL(out[4], 0x41);
    EQUAL(decode("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", 9, out), 9);
    EQUAL(decode("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", 9, out), 9);
    EQUAL(decode("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", 9, out), 9);
}

TEST(test_what_breaks_a_sequence_is_looked_at_afresh)
{
    uint32_t out[32];

    EQUAL(decode("\xe2\x82\xe2\x82\xac", 5, out), 2);
    EQUAL(out[0], UTF8_REPLACEMENT);
    EQUAL(out[1], 0x20ac);
}

TEST(test_a_written_replacement_character_is_not_an_ill_formed_one)
{
    struct utf8 utf8 = {0};
    uint32_t characters[2];

    utf8_take(&utf8, 0xef, characters);
    utf8_take(&utf8, 0xbf, characters);
    EQUAL(utf8_take(&utf8, 0xbd, characters), 1);
    EQUAL(characters[0], UTF8_REPLACEMENT);
    CHECK(!utf8.replaced);
    utf8_take(&utf8, 0xbd, characters);
    CHECK(utf8.replaced);
}
