#include "core/ticket.h"

#include "bytes.h"
#include "core/p9_wire.h"

#define PREFIX "cohesix-ticket-"

enum {
    PAYLOAD = 112, /* bytes: half of the longest ticket */
    VERSION = 1,
    HAS_TICKS = 1,
    HAS_OPS = 2,
    HAS_TTL = 4,
    HAS_SUBJECT = 8,
};

static int digit_of(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    if (character >= 'a' && character <= 'f') {
        return character - 'a' + 10;
    }
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

/* Decode the hexadecimal digits up to the dot. Returns how many bytes they are, 0 where they are not well-formed. */
static size_t decode(const char *text, size_t size, uint8_t payload[PAYLOAD])
{
    size_t count = 0;

    while (2 * count < size && text[2 * count] != '.') {
        if (count == PAYLOAD || 2 * count + 1 >= size) {
            return 0;
        }
        int high = digit_of(text[2 * count]), low = digit_of(text[2 * count + 1]);
        if (high < 0 || low < 0) {
            return 0;
        }
        payload[count++] = (uint8_t)(high << 4 | low);
    }
    return count;
}

/* expires_at_ms = issued + ttl, or never where that is past the end of time. */
static void set_expiry(struct ticket *ticket, uint64_t issued_ms, uint64_t ttl_s)
{
    ticket->expires = ttl_s <= (UINT64_MAX - issued_ms) / 1000;
    ticket->expires_at_ms = ticket->expires ? issued_ms + ttl_s * 1000 : 0;
}

bool ticket_read(const char *text, size_t size, struct ticket *ticket)
{
    uint8_t payload[PAYLOAD];
    struct p9_reader reader = {.at = payload};
    uint64_t ttl_s = 0;

    *ticket = (struct ticket){.role = 0};
    if (size <= sizeof PREFIX - 1 || memcmp(text, PREFIX, sizeof PREFIX - 1) != 0) {
        return false;
    }
    reader.left = decode(text + sizeof PREFIX - 1, size - (sizeof PREFIX - 1), payload);
    uint8_t version = p9_get8(&reader);
    ticket->role = p9_get8(&reader);
    uint8_t flags = p9_get8(&reader);
    if ((flags & HAS_TICKS) != 0) {
        p9_get64(&reader);
    }
    if ((flags & HAS_OPS) != 0) {
        p9_get64(&reader);
    }
    if ((flags & HAS_TTL) != 0) {
        ttl_s = p9_get64(&reader);
    }
    if ((flags & HAS_SUBJECT) != 0) {
        uint16_t length = p9_get16(&reader);
        const uint8_t *subject = p9_get_bytes(&reader, length);

        if (subject == 0 || length > TICKET_SUBJECT) {
            return false;
        }
        memcpy(ticket->subject, subject, length);
    }
    uint64_t issued_ms = p9_get64(&reader);
    if ((flags & HAS_TTL) != 0) {
        set_expiry(ticket, issued_ms, ttl_s);
    }
    return !reader.bad && version == VERSION;
}
