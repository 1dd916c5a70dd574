/* Lines that did not come through the editor, and what is made of files: the parser takes or refuses any bytes, bodies
 * are cut into lines of the console whatever they hold, and tickets and paths are read or refused. */
#include <string.h>

#include "core/body.h"
#include "core/p9_path.h"
#include "core/ticket.h"
#include "fuzz.h"

#define SEED(bytes) {bytes, sizeof(bytes) - 1}

const struct fuzz_seed fuzz_seeds[] = {
    SEED("  CaT   /proc/boot  "),
    SEED("echo /log/queen.log  two  blanks "),
    SEED("one\ntwo\r\n[three]\nEND\n\xe6\xb0\x97\n"),
    SEED("\x80\xff\x00 binary"),
    SEED("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
         "ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\n\n\nd\n"),
    SEED("/1/2/3/4/5/6/7/8"),
    SEED("cohesix-ticket-01010fe80300000000000010270000000000002c010000000000000800776f726b65722d3152390b06a201000000"
         "000000.54ce"),
    {0, 0},
};

void fuzz_one(const uint8_t *input, size_t size)
{
    const char *text = (const char *)input;
    struct word word = {.at = text, .size = size};
    struct p9_path path = {.count = 0};
    struct command command;
    struct ticket ticket;
    struct body body;
    char detail[64], piece[BODY_PIECE], data[ACK_DETAIL];
    size_t piece_size;

    grammar_parse(text, size, &command, detail);
    body_begin(&body, text, size, size % 8 == 0);
    while (body_next(&body, piece, &piece_size)) {
        INVARIANT(piece_size <= LINE_BYTES && strlen(piece) == piece_size && strcmp(piece, "END") != 0);
    }
    INVARIANT(body_summary(text, size, (struct word){"/updates/x", 10}, data) <= ACK_DETAIL);
    INVARIANT(body_summary(text, size, (struct word){"/x", 2}, data) <= ACK_DETAIL - 13);
    if (ticket_read(text, size, &ticket)) {
        INVARIANT(strlen(ticket.subject) <= TICKET_SUBJECT);
    }
    if (!failed(p9_path_add(&path, text, size))) {
        for (unsigned i = 0; i < path.count; i++) {
            INVARIANT(path.names[i].size > 0 && path.names[i].size <= P9_NAME);
        }
    }
    if (size < 128) {
        struct acknowledgement ack;

        ack_err(&ack, "CAT", "policy");
        ack_field(&ack, "path", word.at, word.size);
        ack_text(&ack, "error", "invalid path");
        INVARIANT(ack.size < ACK_LINE);
    }
}
