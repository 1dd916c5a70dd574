#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS = 100 };

static struct {
    const char *name;
    void (*run)(void);
} tests[TESTS];
static size_t count;
static const char *running = "";

void check_register(const char *name, void (*test)(void))
{
    if (count == TESTS) {
        abort();
    }
    tests[count].name = name;
    tests[count++].run = test;
}

void check_failed(const char *file, int line, const char *claim)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: %s: not so: %s\n", file, line, running, claim);
    exit(1);
}

void check_equal(const char *file, int line, const char *what, unsigned long long got, unsigned long long expected)
{
    char claim[200];

    if (got != expected) {
        snprintf(claim, sizeof claim, "%s is %llu (0x%llx), not %llu (0x%llx)", what, got, got, expected, expected);
        check_failed(file, line, claim);
    }
}

void check_text(const char *file, int line, const char *what, const char *got, size_t size, const char *expected)
{
    char claim[1000];

    size = size == (size_t)-1 ? strlen(got) : size;
    if (size != strlen(expected) || memcmp(got, expected, size) != 0) {
        snprintf(claim, sizeof claim, "%s is \"%.*s\", not \"%s\"", what, (int)size, got, expected);
        check_failed(file, line, claim);
    }
}

int main(int arguments, char **argument)
{
    size_t done = 0;

    for (size_t i = 0; i < count; i++) {
        if (arguments > 1 && strcmp(argument[1], tests[i].name) != 0) {
            continue;
        }
        running = tests[i].name;
        tests[i].run();
        printf("ok %s\n", running);
        done++;
    }
    printf("%zu tests\n", done);
    return done == 0;
}
