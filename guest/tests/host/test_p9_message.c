/* Frames as they are on the wire, and replies that are refused. That the frames are what the hive understands is shown
 * against its own codec, by tests/guest/test_host_core.py. */
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "core/p9_message.h"

static uint8_t frame[P9_MSIZE];

static void check_frame(size_t size, const char *bytes, size_t expected)
{
    EQUAL(size, expected);
    CHECK(memcmp(frame, bytes, expected) == 0);
}

#define FRAME(size, bytes) check_frame(size, bytes, sizeof(bytes) - 1)

TEST(test_requests_are_laid_out_as_the_protocol_says)
{
    struct p9_path path = {.count = 0};

    FRAME(p9_tversion(frame, P9_MSIZE, 8192), "\x15\0\0\0\x64\xff\xff\0\x20\0\0\x08\0"
                                              "9P2000.L");
    FRAME(p9_tattach(frame, P9_MSIZE, 2, 1, "queen", "t"), "\x1d\0\0\0\x68\x02\0\x01\0\0\0\xff\xff\xff\xff\x05\0"
                                                           "queen\x01\0t\xff\xff\xff\xff");
    RESULT(p9_path_add(&path, "/proc/boot", 10), 0);
    FRAME(p9_twalk(frame, P9_MSIZE, 3, 1, 2, &path), "\x1d\0\0\0\x6e\x03\0\x01\0\0\0\x02\0\0\0\x02\0\x04\0proc\x04\0"
                                                     "boot");
    FRAME(p9_tlopen(frame, P9_MSIZE, 4, 2, 02001), "\x0f\0\0\0\x0c\x04\0\x02\0\0\0\x01\x04\0\0");
    FRAME(p9_tread(frame, P9_MSIZE, P9_TREAD, 5, 2, 9, 8168), "\x17\0\0\0\x74\x05\0\x02\0\0\0\x09\0\0\0\0\0\0\0\xe8\x1f"
                                                              "\0\0");
    FRAME(p9_twrite(frame, P9_MSIZE, 6, 2, 0, "hi", 2), "\x19\0\0\0\x76\x06\0\x02\0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0hi");
    FRAME(p9_tclunk(frame, P9_MSIZE, 7, 2), "\x0b\0\0\0\x78\x07\0\x02\0\0\0");
    FRAME(p9_tgetattr(frame, P9_MSIZE, 8, 2), "\x13\0\0\0\x18\x08\0\x02\0\0\0\0\x22\0\0\0\0\0\0");
}

TEST(test_a_message_that_does_not_fit_is_not_laid_out)
{
    static char ticket[P9_MSIZE];

    memset(ticket, 'x', sizeof ticket - 1);
    EQUAL(p9_tattach(frame, P9_MSIZE, 1, 1, "queen", ticket), 0);
    EQUAL(p9_twrite(frame, P9_MSIZE, 1, 1, 0, ticket, P9_MSIZE - 22), 0);
    CHECK(p9_twrite(frame, P9_MSIZE, 1, 1, 0, ticket, P9_MSIZE - 23) == P9_MSIZE);
    for (size_t room = 0; room < 11; room++) { /* exact allocations: the sanitizer sees a byte past the end */
        uint8_t *small = malloc(room + 1);

        EQUAL(p9_tclunk(small, room, 1, 1), 0);
        free(small);
    }
}

static size_t make_reply(unsigned type, const void *body, size_t size)
{
    store32(frame, (uint32_t)(P9_HEADER + size));
    frame[4] = (uint8_t)type;
    store16(frame + 5, 77);
    memcpy(frame + P9_HEADER, body, size);
    return P9_HEADER + size;
}

/* Parse a copy of the frame that is exactly as long as it says. */
static unsigned parse(size_t size, enum p9_type type, uint32_t limit, struct p9_reply *reply)
{
    uint8_t *exact = malloc(size);
    uint16_t tag;

    memcpy(exact, frame, size);
    CHECK(p9_tag(exact, size, &tag) && tag == 77);
    status result = p9_parse(exact, size, (struct p9_question){type, limit}, reply);
    free(exact);
    return result.error;
}

TEST(test_replies_are_understood)
{
    struct p9_reply reply;
    uint8_t attributes[153] = {0};

    EQUAL(parse(make_reply(101, "\0\x10\0\0\x08\0"
                                "9P2000.L", 14),
                P9_TVERSION, 8192, &reply), 0);
    EQUAL(reply.count, 4096);
    EQUAL(parse(make_reply(105, "\x80\1\0\0\0\2\0\0\0\0\0\0\0", 13), P9_TATTACH, 0, &reply), 0);
    EQUAL(reply.qid.type, P9_QT_DIR);
    EQUAL(reply.qid.path, 2);
    EQUAL(parse(make_reply(117, "\3\0\0\0abc", 7), P9_TREAD, 3, &reply), 0);
    EQUAL(reply.count, 3);
    EQUAL(parse(make_reply(119, "\3\0\0\0", 4), P9_TWRITE, 3, &reply), 0);
    EQUAL(parse(make_reply(121, "", 0), P9_TCLUNK, 0, &reply), 0);
    EQUAL(parse(make_reply(13, "\x40\0\0\0\0\0\0\0\0\0\0\0\0\x18\x20\0\0", 17), P9_TLOPEN, 0, &reply), 0);
    EQUAL(reply.count, 0x2018);
    store64(attributes, 0x7ff);
    store64(attributes + 8 + 13 + 28, 4711);
    EQUAL(parse(make_reply(25, attributes, sizeof attributes), P9_TGETATTR, 0, &reply), 0);
    EQUAL(reply.size, 4711);
    EQUAL(reply.base, 0);
    store64(attributes, 0x27ff);
    store64(attributes + 145, 42);
    EQUAL(parse(make_reply(25, attributes, sizeof attributes), P9_TGETATTR, 0, &reply), 0);
    EQUAL(reply.base, 42);
    store64(attributes + 145, 4712); /* behind the end: it cannot be */
    EQUAL(parse(make_reply(25, attributes, sizeof attributes), P9_TGETATTR, 0, &reply), 0);
    EQUAL(reply.base, 0);
}

TEST(test_an_rlerror_keeps_its_errno)
{
    struct p9_reply reply;

    EQUAL(parse(make_reply(P9_RLERROR, "\x74\0\0\0", 4), P9_TWRITE, 1, &reply), ESTALE);
    EQUAL(parse(make_reply(P9_RLERROR, "\x7a\0\0\0", 4), P9_TCLUNK, 0, &reply), EDQUOT);
    EQUAL(parse(make_reply(P9_RLERROR, "\0\0\0\0", 4), P9_TCLUNK, 0, &reply), EPROTO);
    EQUAL(parse(make_reply(P9_RLERROR, "\1\0\1\0", 4), P9_TCLUNK, 0, &reply), EPROTO);
    EQUAL(parse(make_reply(P9_RLERROR, "\1\0\0", 3), P9_TCLUNK, 0, &reply), EPROTO);
    EQUAL(parse(make_reply(P9_RLERROR, "\1\0\0\0\0", 5), P9_TCLUNK, 0, &reply), EPROTO);
}

TEST(test_more_than_was_asked_for_is_refused)
{
    struct p9_reply reply;
    static const uint8_t two_names[28] = {2};

    EQUAL(parse(make_reply(117, "\3\0\0\0abc", 7), P9_TREAD, 2, &reply), EPROTO);
    EQUAL(parse(make_reply(117, "\4\0\0\0abc", 7), P9_TREAD, 8, &reply), EPROTO);
    EQUAL(parse(make_reply(117, "\2\0\0\0abc", 7), P9_TREAD, 8, &reply), EPROTO);
    EQUAL(parse(make_reply(117, "\xff\xff\xff\xff", 4), P9_TREAD, 8, &reply), EPROTO);
    EQUAL(parse(make_reply(119, "\3\0\0\0", 4), P9_TWRITE, 2, &reply), EPROTO);
    EQUAL(parse(make_reply(111, two_names, 28), P9_TWALK, 2, &reply), 0);
    EQUAL(parse(make_reply(111, two_names, 28), P9_TWALK, 1, &reply), EPROTO);
    EQUAL(parse(make_reply(111, "\0\0", 2), P9_TWALK, 1, &reply), EPROTO);
    EQUAL(parse(make_reply(111, "\0\0", 2), P9_TWALK, 0, &reply), 0);
    EQUAL(parse(make_reply(101, "\0\x40\0\0\x08\0"
                                "9P2000.L", 14),
                P9_TVERSION, 8192, &reply), EPROTO);
    EQUAL(parse(make_reply(101, "\xff\0\0\0\x08\0"
                                "9P2000.L", 14),
                P9_TVERSION, 8192, &reply), EPROTO);
    EQUAL(parse(make_reply(101, "\0\x20\0\0\x07\0unknown", 13), P9_TVERSION, 8192, &reply), EPROTO);
}

TEST(test_a_reply_to_another_question_is_refused)
{
    struct p9_reply reply;

    EQUAL(parse(make_reply(119, "\3\0\0\0", 4), P9_TREAD, 8, &reply), EPROTO);
    EQUAL(parse(make_reply(P9_TREAD, "\0\0\0\0", 4), P9_TREAD, 8, &reply), EPROTO);
    EQUAL(parse(make_reply(0, "", 0), P9_TREAD, 8, &reply), EPROTO);
}

TEST(test_every_truncation_and_every_tail_is_refused)
{
    static const struct {
        enum p9_type type;
        uint32_t limit;
        unsigned size;
    } replies[] = {
        {P9_TVERSION, 8192, 14}, {P9_TATTACH, 0, 13}, {P9_TLOPEN, 0, 17}, {P9_TGETATTR, 0, 153}, {P9_TWRITE, 9, 4},
    };

    for (size_t i = 0; i < ARRAY_LENGTH(replies); i++) {
        uint8_t body[200] = "\0\x20\0\0\x08\0"
                            "9P2000.L";
        struct p9_reply reply;

        if (replies[i].type != P9_TVERSION) {
            memset(body, 0, sizeof body);
        }
        for (unsigned size = 0; size < replies[i].size + 5; size++) {
            EQUAL(parse(make_reply(replies[i].type + 1u, body, size), replies[i].type, replies[i].limit, &reply),
                  size == replies[i].size ? 0 : EPROTO);
        }
    }
}

TEST(test_a_frame_is_as_long_as_it_says)
{
    uint16_t tag;
    size_t size = make_reply(121, "", 0);

    CHECK(p9_tag(frame, size, &tag));
    CHECK(!p9_tag(frame, size - 1, &tag));
    CHECK(!p9_tag(frame, size + 1, &tag));
    CHECK(!p9_tag(frame, 0, &tag));
    store32(frame, P9_MSIZE + 1);
    CHECK(!p9_tag(frame, P9_MSIZE + 1, &tag));
}

TEST(test_directory_entries_are_taken_one_by_one)
{
    static const uint8_t data[] = "\x80\0\0\0\0\1\0\0\0\0\0\0\0" /* qid */
                                  "\1\0\0\0\0\0\0\0\x04\4\0proc"
                                  "\x40\0\0\0\0\2\0\0\0\0\0\0\0"
                                  "\2\0\0\0\0\0\0\0\x08\1\0x";
    struct p9_reader reader = {.at = data, .left = sizeof data - 1};
    struct p9_entry entry;

    CHECK(p9_next_entry(&reader, &entry));
    EQUAL_BYTES(entry.name, entry.size, "proc");
    EQUAL(entry.offset, 1);
    CHECK(p9_next_entry(&reader, &entry));
    EQUAL_BYTES(entry.name, entry.size, "x");
    EQUAL(entry.qid.type, P9_QT_APPEND);
    CHECK(!p9_next_entry(&reader, &entry));
    CHECK(!reader.bad);
    for (size_t left = 1; left < sizeof data - 1; left++) {
        uint8_t *exact = malloc(left);

        memcpy(exact, data, left);
        reader = (struct p9_reader){.at = exact, .left = left};
        while (p9_next_entry(&reader, &entry)) {
        }
        CHECK(reader.bad == (left != 28)); /* 28: just the first entry */
        free(exact);
    }
}
