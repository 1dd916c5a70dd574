/* Acknowledgements: what a command came to, on one line, as ninedoor/console/ack.py and refusals.py write it.
 *
 *     OK <VERB>[ key=value]*
 *     ERR <VERB> reason=<busy|quota|cut|policy>[ detail=<token>][ key=value]*
 *
 * What follows the verb has ACK_DETAIL bytes. Of an OK, the first key or value that does not fit is left out, with all
 * that follows it; of an ERR, all that is behind the reason, and the blank before that stays. Scripts were written
 * against exactly this. */
#ifndef NINEDOOR_CORE_ACKNOWLEDGEMENT_H
#define NINEDOOR_CORE_ACKNOWLEDGEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/grammar.h"
#include "errors.h"

enum {
    ACK_DETAIL = 128, /* ACK_DETAIL_MAX of ninedoor/limits.py */
    ACK_LINE = 192,   /* OK or ERR, the longest label, and the detail */
};

struct acknowledgement {
    char line[ACK_LINE]; /* NUL-terminated */
    size_t size;
    size_t verb_end;   /* where what follows the verb begins */
    size_t reason_end; /* of an ERR: where what follows the reason begins; 0 of an OK */
    bool full;
};

void ack_ok(struct acknowledgement *ack, const char *verb);
void ack_err(struct acknowledgement *ack, const char *verb, const char *reason);

/* One more key. The value may hold anything. */
void ack_field(struct acknowledgement *ack, const char *key, const char *value, size_t size);
void ack_text(struct acknowledgement *ack, const char *key, const char *value);
void ack_number(struct acknowledgement *ack, const char *key, uint64_t value);

/* The answer to `verb`, which was refused with `refused`. `path` has size 0 where the command names none. */
void ack_refusal(struct acknowledgement *ack, const char *verb, status refused, struct word path);

/* The answer to a line that is no command. */
void ack_unparsed(struct acknowledgement *ack, const char *detail);

#endif
