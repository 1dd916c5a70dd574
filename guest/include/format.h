/* Formatted text into a buffer of known size, without a C library and without allocation. Understood: %s %.*s %c %u
 * %lu %zu %d %ld %x %lx %p %%, with a width and a leading 0 for numbers (%02x). Anything else is printed as it is. */
#ifndef NINEDOOR_FORMAT_H
#define NINEDOOR_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* A text being built. `used` < `size` always, and at[used] is 0. `cut` tells that something did not fit. */
struct text {
    char *at;
    size_t size;
    size_t used;
    bool cut;
};

/* Precondition: size > 0. */
void text_begin(struct text *text, char *buffer, size_t size);
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_list(struct text *text, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
void text_add_bytes(struct text *text, const char *bytes, size_t count);

/* All in one: the length of what stands in `buffer`, which is always terminated. */
size_t text_format(char *buffer, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Parse an unsigned decimal number that is all of `text`; false if it is not one or is over `most`. */
bool text_number(const char *text, unsigned long most, unsigned long *number);

#endif
