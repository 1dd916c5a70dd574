/* Laying a component's program out in pages, the same for every platform. */
#ifndef NINEDOOR_LOAD_H
#define NINEDOOR_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "errors.h"

enum { LOAD_STACK_PAGES = 2 };

/* One page of a component: `count` bytes of the program from `offset` on, all else zero. */
struct load_page {
    uint64_t virtual_address;
    bool writable, executable; /* never both */
    const uint8_t *bytes;
    size_t offset, count;
};

/* Give the component that page. What it returns as failed ends the loading. */
typedef status load_page_taker(void *self, const struct load_page *page);

/* Check the program against component/abi.h and hand it to `take` page by page, its stack included, each page once.
 * EINVAL: no program, or one that does not fit there, or with memory that is both writable and executable. */
status load_component(const void *image, size_t size, load_page_taker *take, void *self, uint64_t *entry);

#endif
