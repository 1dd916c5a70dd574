/* The guest's one link to the hive, shared by what uses it. */
#ifndef NINEDOOR_CORE_LINK_H
#define NINEDOOR_CORE_LINK_H

#include "core/p9_exchange.h"

enum {
    LINK_TEXT = 128,   /* of a setting */
    LINK_TICKET = 256,
};

struct link {
    struct p9_client client;
    struct p9_host host;
    char export[LINK_TEXT], uname[LINK_TEXT], ticket[LINK_TICKET];
};

extern struct link hive_link;

/* Find the device that the settings name and make it the transport. ENODEV: there is none. */
status link_find(struct p9_transport **transport);

/* Lines about the link, for `bi`. */
void link_describe(void (*line)(const char *text));

#endif
