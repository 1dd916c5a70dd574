/* A path as the names of a Twalk, checked against the red lines before anything is sent: QEMU's 9P server enforces
 * none of them. */
#ifndef NINEDOOR_CORE_P9_PATH_H
#define NINEDOOR_CORE_P9_PATH_H

#include <stddef.h>
#include <stdint.h>

#include "core/p9_wire.h"
#include "errors.h"

/* Refers to the text it was made from. */
struct p9_path {
    struct p9_name {
        const char *at;
        uint8_t size; /* 1..P9_NAME */
    } names[P9_DEPTH];
    uint8_t count; /* 0..P9_DEPTH; 0 is the root */
};

/* Add the names of `text`, `size` bytes that begin with '/', to those `path` has; empty ones do not count, so that
 * "/log/" is "/log", and "" adds none. EINVAL: not absolute, `.`, `..`, a NUL, more than P9_DEPTH names in all.
 * ENAMETOOLONG: a name over P9_NAME bytes. `path` is then of no use. */
status p9_path_add(struct p9_path *path, const char *text, size_t size);

#endif
