/* What a ticket claims, read from text that anybody may have typed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/ticket.h"

#define WORKER                                                                                                     \
    "cohesix-ticket-01010fe80300000000000010270000000000002c010000000000000800776f726b65722d3152390b06a20100000000" \
    "0000.54"

static bool read_text(const char *text, struct ticket *ticket)
{
    return ticket_read(text, strlen(text), ticket);
}

/* A ticket of a worker whose subject has `size` bytes, with `flags`, a ttl and a time of issue. */
static bool read_made(unsigned flags, uint64_t ttl_s, unsigned size, uint64_t issued_ms, struct ticket *ticket)
{
    char text[400];
    int at = sprintf(text, "cohesix-ticket-0101%02x", flags);

    for (unsigned i = 0; i < 8; i++) {
        at += sprintf(text + at, "%02x", (unsigned)(ttl_s >> (8 * i)) & 0xff);
    }
    if ((flags & 8) != 0) {
        at += sprintf(text + at, "%02x%02x", size & 0xff, size >> 8);
        for (unsigned i = 0; i < size; i++) {
            at += sprintf(text + at, "78");
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        at += sprintf(text + at, "%02x", (unsigned)(issued_ms >> (8 * i)) & 0xff);
    }
    strcpy(text + at, ".00");
    return read_text(text, ticket);
}

TEST(test_claims_are_read)
{
    struct ticket ticket;

    CHECK(read_text(WORKER, &ticket));
    EQUAL(ticket.role, 1);
    EQUAL_TEXT(ticket.subject, "worker-1");
    CHECK(ticket.expires);
    EQUAL(ticket.expires_at_ms, UINT64_C(1795397728594) + 300000);
    CHECK(read_text("cohesix-ticket-010000F8380B06A201000000000000.76", &ticket));
    EQUAL(ticket.role, 0);
    EQUAL_TEXT(ticket.subject, "");
    CHECK(!ticket.expires);
}

TEST(test_every_truncation_is_no_ticket)
{
    size_t payload = strchr(WORKER, '.') - WORKER - 8; /* mount.service and mount.at are not looked at */
    struct ticket ticket;

    for (size_t size = 0; size < payload; size++) {
        char *part = malloc(size + 1);

        memcpy(part, WORKER, size);
        CHECK(!ticket_read(part, size, &ticket));
        free(part);
    }
}

TEST(test_what_is_malformed_is_no_ticket)
{
    struct ticket ticket;

    CHECK(!read_text("", &ticket));
    CHECK(!read_text("cohesix-ticket-", &ticket));
    CHECK(!read_text("cohesix-ticket-.00", &ticket));
    CHECK(!read_text("cohesix-token-010000f8380b06a2010000", &ticket));
    CHECK(!read_text("cohesix-ticket-010000f8380b06a20100000.76", &ticket)); /* half a byte */
    CHECK(!read_text("cohesix-ticket-01000gf8380b06a201000000000000.76", &ticket));
    CHECK(!read_text("cohesix-ticket-020000f8380b06a201000000000000.76", &ticket)); /* another version */
}

TEST(test_a_subject_that_can_be_no_name_is_refused)
{
    struct ticket ticket;

    CHECK(read_made(4 | 8, 1, TICKET_SUBJECT, 0, &ticket));
    EQUAL(strlen(ticket.subject), TICKET_SUBJECT);
    CHECK(!read_made(4 | 8, 1, TICKET_SUBJECT + 1, 0, &ticket));
    CHECK(!read_made(4 | 8, 1, 80, 0, &ticket));
}

TEST(test_a_time_past_the_end_of_time_is_never)
{
    struct ticket ticket;

    CHECK(read_made(4, UINT64_MAX / 1000, 0, 615, &ticket));
    EQUAL(ticket.expires_at_ms, UINT64_MAX / 1000 * 1000 + 615);
    CHECK(ticket.expires);
    CHECK(read_made(4, UINT64_MAX / 1000, 0, 616, &ticket));
    CHECK(!ticket.expires);
    CHECK(read_made(4, UINT64_MAX, 0, 0, &ticket));
    CHECK(!ticket.expires);
}
