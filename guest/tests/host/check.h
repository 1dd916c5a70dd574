/* Tests of a host program: each TEST registers itself, main() runs them all, and a CHECK that fails says where and
 * ends the program. Nothing else is meant to link against a C library. */
#ifndef NINEDOOR_TESTS_CHECK_H
#define NINEDOOR_TESTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>

void check_register(const char *name, void (*test)(void));
void check_failed(const char *file, int line, const char *claim) __attribute__((noreturn));
void check_equal(const char *file, int line, const char *what, unsigned long long got, unsigned long long expected);
void check_text(const char *file, int line, const char *what, const char *got, size_t size, const char *expected);

#define TEST(name)                                                             \
    static void name(void);                                                    \
    __attribute__((constructor)) static void register_##name(void)             \
    {                                                                          \
        check_register(#name, name);                                           \
    }                                                                          \
    static void name(void)

#define CHECK(claim) ((claim) ? (void)0 : check_failed(__FILE__, __LINE__, #claim))
#define EQUAL(got, expected) \
    check_equal(__FILE__, __LINE__, #got, (unsigned long long)(got), (unsigned long long)(expected))
/* `got`, zero-terminated, or of `size` bytes. */
#define EQUAL_TEXT(got, expected) check_text(__FILE__, __LINE__, #got, (got), (size_t)-1, (expected))
#define EQUAL_BYTES(got, size, expected) check_text(__FILE__, __LINE__, #got, (got), (size), (expected))
/* `result` is a status with error `expected`, 0 for success. */
#define RESULT(result, expected) EQUAL((result).error, (expected))

#endif
