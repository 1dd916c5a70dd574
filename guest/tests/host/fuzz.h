/* A fuzz driver is this header's fuzz_one() and a few seeds. It must not crash, hang or trip a sanitizer on any input;
 * each names its further invariants on top and checks them with INVARIANT.
 *
 *     fuzz_x [--seed N] [--iterations N]      mutations of the seeds, the same for the same N
 *     fuzz_x FILE…                            these inputs only: to repeat a crash
 *
 * An input that fails is left in fuzz-crash.bin. Compiled with -DLIBFUZZER and clang's -fsanitize=fuzzer the same
 * driver runs under libFuzzer. */
#ifndef NINEDOOR_TESTS_FUZZ_H
#define NINEDOOR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

enum { FUZZ_INPUT = 4096 };

struct fuzz_seed {
    const void *bytes;
    size_t size;
};

extern const struct fuzz_seed fuzz_seeds[]; /* the last has no bytes */

void fuzz_one(const uint8_t *input, size_t size);

void fuzz_violated(const char *file, int line, const char *claim) __attribute__((noreturn));
#define INVARIANT(claim) ((claim) ? (void)0 : fuzz_violated(__FILE__, __LINE__, #claim))

#endif
