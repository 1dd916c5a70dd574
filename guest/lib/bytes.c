/* Bytes, one at a time: small and right at any alignment. The four C names are here because a freestanding compiler
 * calls them on its own; see the Makefile for the flag that keeps it from turning these very loops into such calls. */
#include "bytes.h"

#ifndef NINEDOOR_HOST_TEST /* a host test has them from its C library, instrumented */

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    return memmove(to, from, count);
}

void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *target = to;
    const uint8_t *origin = from;

    if (target <= origin) {
        for (size_t i = 0; i < count; i++) {
            target[i] = origin[i];
        }
    } else {
        for (size_t i = count; i > 0; i--) {
            target[i - 1] = origin[i - 1];
        }
    }
    return to;
}

void *memset(void *to, int byte, size_t count)
{
    uint8_t *target = to;

    for (size_t i = 0; i < count; i++) {
        target[i] = (uint8_t)byte;
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t count)
{
    const uint8_t *one = left, *other = right;

    for (size_t i = 0; i < count; i++) {
        if (one[i] != other[i]) {
            return one[i] < other[i] ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
    }
    return length;
}

#endif

bool text_equal(const char *left, const char *right)
{
    size_t length = strlen(left);

    return length == strlen(right) && memcmp(left, right, length) == 0;
}

bool text_starts(const char *text, const char *prefix)
{
    while (*prefix != '\0') {
        if (*text++ != *prefix++) {
            return false;
        }
    }
    return true;
}

uint16_t load16(const void *at)
{
    const uint8_t *byte = at;

    return (uint16_t)(byte[0] | byte[1] << 8);
}

uint32_t load32(const void *at)
{
    const uint8_t *byte = at;

    return load16(byte) | (uint32_t)load16(byte + 2) << 16;
}

uint64_t load64(const void *at)
{
    const uint8_t *byte = at;

    return load32(byte) | (uint64_t)load32(byte + 4) << 32;
}

void store16(void *at, uint16_t value)
{
    uint8_t *byte = at;

    byte[0] = (uint8_t)value;
    byte[1] = (uint8_t)(value >> 8);
}

void store32(void *at, uint32_t value)
{
    uint8_t *byte = at;

    store16(byte, (uint16_t)value);
    store16(byte + 2, (uint16_t)(value >> 16));
}

void store64(void *at, uint64_t value)
{
    uint8_t *byte = at;

    store32(byte, (uint32_t)value);
    store32(byte + 4, (uint32_t)(value >> 32));
}
