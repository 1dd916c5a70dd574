/* What a ticket says of itself. Nothing of it is verified here: the hive does that, when the ticket is presented. The
 * console needs the subject to say who attaches, and the time of expiry to say why the hive refused.
 *
 * Text: `cohesix-ticket-`, the payload in hexadecimal, a dot, the MAC. Payload: version[1] role[1] flags[1], then as
 * the flags say ticks[8] ops[8] ttl_s[8] subject[s], then issued_at_ms[8] and what is not looked at here. */
#ifndef NINEDOOR_CORE_TICKET_H
#define NINEDOOR_CORE_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TICKET_SUBJECT = 64 }; /* bytes of a subject that can be a name in the hive */

struct ticket {
    uint8_t role; /* index in ninedoor_ticket_roles of generated/manifest.h */
    char subject[TICKET_SUBJECT + 1]; /* "" when it has none */
    bool expires;
    uint64_t expires_at_ms; /* unix time */
};

/* Read the claims of `text`; false when it is no ticket. */
bool ticket_read(const char *text, size_t size, struct ticket *ticket);

#endif
