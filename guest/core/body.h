/* The lines of an answer behind its acknowledgement, and the few that the acknowledgement repeats, as
 * ninedoor/console/body.py makes them: what of a file travels as text and what as `b64:` lines, where lines are split,
 * and what `data=` holds. */
#ifndef NINEDOOR_CORE_BODY_H
#define NINEDOOR_CORE_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/acknowledgement.h"
#include "core/line.h"

enum {
    BODY_SUMMARY = 1000, /* lines at the end of a file that `data=` is looked for in */
    BODY_DATA_LINE = 64, /* longest line that `data=` repeats: ACK_DATA_LINE_MAX of ninedoor/limits.py */
    BODY_PIECE = LINE_BYTES + 1,
};

/* Whether what is at `path` is never text, whatever its bytes look like: chunks and weights. */
bool body_is_binary(struct word path);

/* A file's content, being cut into pieces. It stays the caller's. */
struct body {
    const char *content;
    size_t size;
    bool binary; /* not UTF-8, or with control characters that would drive a terminal */
    size_t at;
    struct word line; /* what is left of the line in hand */
};

/* With `binary`, none of it travels as text. */
void body_begin(struct body *body, const void *content, size_t size, bool binary);

/* The next line to send into `piece`, which is NUL-terminated, its bytes counted in `*size`; false at the end. */
bool body_next(struct body *body, char piece[BODY_PIECE], size_t *size);

/* What `OK CAT path=... data=` repeats of the content: its latest short lines, oldest first, joined by `|`. Lines that
 * begin with `[` are taken only where there are no others, and long ones not at all, unless nothing else is there.
 * Returns the bytes in `data`. */
size_t body_summary(const void *content, size_t size, struct word path, char data[ACK_DETAIL]);

/* The longest beginning of `text` that has at most `most` bytes and ends with a whole character. */
size_t body_cut(struct word text, size_t most);

#endif
