/* Formatting is bounded, and says the same as the C library does. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "errors.h"
#include "format.h"

#define SAME(expected, ...)                                       \
    do {                                                          \
        char got_[80];                                            \
        EQUAL(text_format(got_, sizeof got_, __VA_ARGS__), strlen(expected)); \
        EQUAL_TEXT(got_, expected);                               \
    } while (0)

TEST(test_every_directive)
{
    SAME("a word", "a %s", "word");
    SAME("wor", "%.*s", 3, "word");
    SAME("0 7 4294967295", "%u %u %u", 0u, 7u, 4294967295u);
    SAME("18446744073709551615", "%lu", ~0ul);
    SAME("-1 2147483647 -2147483648", "%d %d %d", -1, 2147483647, -2147483647 - 1);
    SAME("-9223372036854775808", "%ld", (long)(1ul << 63));
    SAME("ff deadbeefcafe", "%x %lx", 255u, 0xdeadbeefcafeul);
    SAME("000a|  -5|  42|0x0", "%04x|%4d|%4u|%p", 10u, -5, 42u, (void *)0);
    SAME("-0005", "%05d", -5);
    SAME("x%y", "%c%%%c", 'x', 'y');
    SAME("12", "%zu", (size_t)12);
}

TEST(test_text_is_cut_at_the_end_of_its_buffer_and_says_so)
{
    char buffer[8] = "zzzzzzz";
    struct text text;

    text_begin(&text, buffer, 5);
    text_add(&text, "%s", "1234");
    CHECK(!text.cut);
    text_add(&text, "%u", 567u);
    CHECK(text.cut);
    EQUAL_TEXT(buffer, "1234");
    EQUAL(text.used, 4);
    EQUAL(buffer[5], 'z');
    EQUAL(text_format(buffer, 1, "%s", "lost"), 0);
    EQUAL(buffer[0], '\0');
}

TEST(test_number_is_all_of_a_text_and_within_its_bound)
{
    unsigned long number = 5;

    CHECK(text_number("0", 10, &number) && number == 0);
    CHECK(text_number("10", 10, &number) && number == 10);
    CHECK(text_number("18446744073709551615", ~0ul, &number) && number == ~0ul);
    CHECK(!text_number("18446744073709551616", ~0ul, &number));
    CHECK(!text_number("99999999999999999999", ~0ul, &number));
    CHECK(!text_number("11", 10, &number) && !text_number("", 10, &number) && !text_number("1 ", 10, &number));
    CHECK(!text_number("-1", 10, &number) && !text_number("+1", 10, &number) && !text_number("7", 5, &number));
    EQUAL(number, ~0ul);
}

TEST(test_errors_have_the_names_of_errno)
{
    EQUAL_TEXT(error_name(0), "OK");
    EQUAL_TEXT(error_name(EPERM), "EPERM");
    EQUAL_TEXT(error_name(EDQUOT), "EDQUOT");
    EQUAL_TEXT(error_name(65535), "E?");
}
