/* Finding a file in a cpio archive ("newc"): the root file system that is linked into the root task. */
#ifndef NINEDOOR_CPIO_H
#define NINEDOOR_CPIO_H

#include <stddef.h>
#include <stdint.h>

#include "errors.h"

/* ENOENT: no such file. EINVAL: not an archive of this kind, or one cut short. Names are compared whole. */
status cpio_find(const void *archive, size_t size, const char *name, const uint8_t **bytes, size_t *length);

#endif
