/* Files and directories as the console shows them: read into memory of fixed size, whole or their end. */
#ifndef NINEDOOR_CORE_CONTENT_H
#define NINEDOOR_CORE_CONTENT_H

#include "core/p9_file.h"

enum { CONTENT_BYTES = 64 * 1024 }; /* CONSOLE_TAIL_BYTES of ninedoor/limits.py; what is longer has to be tailed */

struct content {
    char bytes[CONTENT_BYTES];
    size_t size;
};

/* All that the file holds. EMSGSIZE: more than CONTENT_BYTES. EISDIR. */
status content_whole(struct content *content, struct p9_file *file);

/* The last CONTENT_BYTES of the file, without the rest of a line that began before them. EISDIR. */
status content_latest(struct content *content, struct p9_file *file);

/* The names in the directory, a line each, and how many they are; what would act on a terminal is escaped. ENOTDIR.
 * EMSGSIZE: more than CONTENT_BYTES. */
status content_names(struct content *content, struct p9_file *directory, unsigned *entries);

#endif
