/* Formatting into bounded buffers. The format's own checks are the compiler's: every caller's format is a literal, and
 * the attribute in format.h makes a wrong argument a build error. */
#include "format.h"

#include <stdint.h>

#include "bytes.h"

struct directive {
    bool zero;   /* pad with zeros instead of blanks */
    bool wide;   /* the argument is 64 bits: l, z */
    bool exact;  /* ".*" was given */
    int exactly; /* … and is the length of the text */
    unsigned width;
    char kind;
};

void text_begin(struct text *text, char *buffer, size_t size)
{
    *text = (struct text){.at = buffer, .size = size, .used = 0, .cut = false};
    buffer[0] = '\0';
}

void text_add_bytes(struct text *text, const char *bytes, size_t count)
{
    size_t room = text->size - 1 - text->used;

    if (count > room) {
        count = room;
        text->cut = true;
    }
    memcpy(text->at + text->used, bytes, count);
    text->used += count;
    text->at[text->used] = '\0';
}

static void add_number(struct text *text, const struct directive *directive, uint64_t value, bool negative)
{
    static const char digits[] = "0123456789abcdef";
    unsigned base = directive->kind == 'x' || directive->kind == 'p' ? 16 : 10;
    char reversed[20]; /* 2^64 has 20 decimal digits */
    unsigned count = 0;

    do {
        reversed[count++] = digits[value % base];
        value /= base;
    } while (value != 0);
    for (unsigned shown = count + negative; shown < directive->width && !directive->zero; shown++) {
        text_add_bytes(text, " ", 1);
    }
    if (negative) {
        text_add_bytes(text, "-", 1);
    }
    for (unsigned shown = count + negative; shown < directive->width && directive->zero; shown++) {
        text_add_bytes(text, "0", 1);
    }
    while (count > 0) {
        text_add_bytes(text, &reversed[--count], 1);
    }
}

static const char *parse(const char *at, struct directive *directive, va_list *arguments)
{
    *directive = (struct directive){0};
    if (*at == '0') {
        directive->zero = true;
        at++;
    }
    for (; *at >= '0' && *at <= '9'; at++) {
        directive->width = directive->width * 10 + (unsigned)(*at - '0');
    }
    if (at[0] == '.' && at[1] == '*') {
        directive->exact = true;
        directive->exactly = va_arg(*arguments, int);
        at += 2;
    }
    while (*at == 'l' || *at == 'z') {
        directive->wide = true;
        at++;
    }
    directive->kind = *at;
    return *at == '\0' ? at : at + 1;
}

static void add_argument(struct text *text, const struct directive *directive, va_list *arguments)
{
    char character;
    const char *words;
    int64_t number;

    switch (directive->kind) {
    case 's':
        words = va_arg(*arguments, const char *);
        text_add_bytes(text, words, directive->exact ? (size_t)directive->exactly : strlen(words));
        break;
    case 'c':
        character = (char)va_arg(*arguments, int);
        text_add_bytes(text, &character, 1);
        break;
    case 'd':
        number = directive->wide ? va_arg(*arguments, int64_t) : va_arg(*arguments, int32_t);
        add_number(text, directive, number < 0 ? -(uint64_t)number : (uint64_t)number, number < 0);
        break;
    case 'u':
    case 'x':
        add_number(text, directive, directive->wide ? va_arg(*arguments, uint64_t) : va_arg(*arguments, uint32_t),
                   false);
        break;
    case 'p':
        text_add_bytes(text, "0x", 2);
        add_number(text, directive, (uintptr_t)va_arg(*arguments, void *), false);
        break;
    case '%':
        text_add_bytes(text, "%", 1);
        break;
    default: /* no other directive is used; the test of the formats says so */
        break;
    }
}

void text_add_list(struct text *text, const char *format, va_list list)
{
    struct directive directive;
    va_list arguments;

    va_copy(arguments, list); /* an array type on some machines: its address can only be taken of a copy */
    while (*format != '\0') {
        const char *plain = format;

        while (*format != '\0' && *format != '%') {
            format++;
        }
        text_add_bytes(text, plain, (size_t)(format - plain));
        if (*format == '%') {
            format = parse(format + 1, &directive, &arguments);
            add_argument(text, &directive, &arguments);
        }
    }
    va_end(arguments);
}

void text_add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_add_list(text, format, arguments);
    va_end(arguments);
}

size_t text_format(char *buffer, size_t size, const char *format, ...)
{
    struct text text;
    va_list arguments;

    text_begin(&text, buffer, size);
    va_start(arguments, format);
    text_add_list(&text, format, arguments);
    va_end(arguments);
    return text.used;
}

bool text_number(const char *text, unsigned long most, unsigned long *number)
{
    unsigned long value = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        unsigned long digit = (unsigned long)(*text - '0');

        if (*text < '0' || *text > '9' || digit > most || value > (most - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return true;
}
