#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fuzz_violated(const char *file, int line, const char *claim)
{
    fprintf(stderr, "%s:%d: violated: %s\n", file, line, claim);
    abort();
}

#ifdef LIBFUZZER

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    if (size <= FUZZ_INPUT) {
        fuzz_one(input, size);
    }
    return 0;
}

#else

static uint64_t state;
static const uint8_t *running;
static size_t running_size;

/* splitmix64 of Steele, Lea and Flood: the same stream on every machine. */
static uint64_t next(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(size_t bound)
{
    return (size_t)(next() % bound);
}

static size_t mutate(uint8_t *input, size_t size)
{
    static const uint8_t telling[] = {0, 1, 4, 7, 8, 0x0a, 0x0d, 0x1b, ' ', 0x7f, 0x80, 0xc2, 0xff};
    size_t at = size > 0 ? below(size) : 0, other = size > 0 ? below(size) : 0;

    switch (below(7)) {
    case 0:
        return size > 0 ? below(size) : 0; /* cut */
    case 1:
        while (size < FUZZ_INPUT && below(4) != 0) { /* a tail */
            input[size++] = (uint8_t)next();
        }
        return size;
    case 2:
        if (size > 0) {
            input[at] ^= (uint8_t)(1u << below(8));
        }
        return size;
    case 3:
        if (size > 0) {
            input[at] = telling[below(sizeof telling)];
        }
        return size;
    case 4:
        if (size > 0) {
            input[at] = (uint8_t)(input[at] + (below(2) != 0 ? 1 : 255));
        }
        return size;
    case 5: /* repeat a part */
        if (at < other && size + (other - at) <= FUZZ_INPUT) {
            memmove(input + other + (other - at), input + other, size - other);
            memcpy(input + other, input + at, other - at);
            return size + (other - at);
        }
        return size;
    default: /* drop a part */
        if (at < other) {
            memmove(input + at, input + other, size - other);
            return size - (other - at);
        }
        return size;
    }
}

static void keep_crash(void)
{
    FILE *file = fopen("fuzz-crash.bin", "wb");

    if (file != 0) {
        fwrite(running, 1, running_size, file);
        fclose(file);
        fprintf(stderr, "the input of %zu bytes is in fuzz-crash.bin\n", running_size);
    }
}

void __asan_on_error(void);
void __asan_on_error(void)
{
    keep_crash();
}

/* In memory of exactly its size, so that the sanitizer sees what is read beyond. */
static void run(const uint8_t *input, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);

    memcpy(exact, input, size);
    running = exact;
    running_size = size;
    fuzz_one(exact, size);
    free(exact);
}

static int run_file(const char *path)
{
    static uint8_t input[FUZZ_INPUT];
    FILE *file = fopen(path, "rb");

    if (file == 0) {
        perror(path);
        return 1;
    }
    run(input, fread(input, 1, sizeof input, file));
    fclose(file);
    return 0;
}

int main(int count, char **arguments)
{
    static uint8_t input[FUZZ_INPUT];
    unsigned long iterations = 20000, seed = 1;
    size_t seeds = 0;

    for (int i = 1; i < count; i++) {
        if (i + 1 < count && strcmp(arguments[i], "--iterations") == 0) {
            iterations = strtoul(arguments[++i], 0, 10);
        } else if (i + 1 < count && strcmp(arguments[i], "--seed") == 0) {
            seed = strtoul(arguments[++i], 0, 10);
        } else {
            return run_file(arguments[i]);
        }
    }
    while (fuzz_seeds[seeds].bytes != 0) {
        run(fuzz_seeds[seeds].bytes, fuzz_seeds[seeds].size);
        seeds++;
    }
    state = seed;
    for (unsigned long i = 0; i < iterations; i++) {
        const struct fuzz_seed *from = &fuzz_seeds[below(seeds)];
        size_t size = from->size;

        memcpy(input, from->bytes, size);
        for (size_t times = 1 + below(6); times > 0; times--) {
            size = mutate(input, size);
        }
        run(input, size);
    }
    printf("%s: %zu seeds, %lu mutations with --seed %lu\n", arguments[0], seeds, iterations, seed);
    return 0;
}

#endif
