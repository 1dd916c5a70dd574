/* The few byte operations that the guest needs without a C library. A freestanding compiler may call memcpy, memmove,
 * memset and memcmp on its own, so those four exist under their C names; the rest is ours. */
#ifndef NINEDOOR_BYTES_H
#define NINEDOOR_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);
int memcmp(const void *left, const void *right, size_t count);
size_t strlen(const char *text);

/* Whether both zero-terminated texts are the same. */
bool text_equal(const char *left, const char *right);
/* Whether `text` begins with `prefix`; both zero-terminated. */
bool text_starts(const char *text, const char *prefix);

/* Little-endian loads and stores at any alignment: the wire's and virtio's order. */
uint16_t load16(const void *at);
uint32_t load32(const void *at);
uint64_t load64(const void *at);
void store16(void *at, uint16_t value);
void store32(void *at, uint32_t value);
void store64(void *at, uint64_t value);

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#endif
