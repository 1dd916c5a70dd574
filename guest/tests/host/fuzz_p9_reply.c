/* Replies: for every question, any bytes are a reply within what was asked for, or an error. A reply of data lies inside
 * the frame, and the entries of a listing inside the data. */
#include "core/p9_message.h"
#include "fuzz.h"

#define SEED(bytes) {bytes, sizeof(bytes) - 1}

/* The first byte chooses the question. */
const struct fuzz_seed fuzz_seeds[] = {
    SEED("\0\x15\0\0\0\x65\xff\xff\0\x20\0\0\x08\0"
         "9P2000.L"),
    SEED("\1\x14\0\0\0\x69\2\0\x80\0\0\0\0\1\0\0\0\0\0\0\0"),
    SEED("\2\x23\0\0\0\x6f\3\0\2\0\x80\0\0\0\0\1\0\0\0\0\0\0\0\x40\0\0\0\0\2\0\0\0\0\0\0\0"),
    SEED("\3\x18\0\0\0\x0d\4\0\x40\0\0\0\0\2\0\0\0\0\0\0\0\x18\x20\0\0"),
    SEED("\4\x0f\0\0\0\x75\5\0\4\0\0\0abcd"),
    SEED("\5\x25\0\0\0\x29\5\0\x1b\0\0\0\x80\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\4\3\0log"),
    SEED("\6\x0b\0\0\0\x77\6\0\4\0\0\0"),
    SEED("\7\x07\0\0\0\x79\7\0"),
    SEED("\7\x0b\0\0\0\x07\7\0\x74\0\0\0"),
    {0, 0},
};

static const struct p9_question questions[] = {
    {P9_TVERSION, P9_MSIZE}, {P9_TATTACH, 0},       {P9_TWALK, 2},     {P9_TLOPEN, 0},
    {P9_TREAD, 100},         {P9_TREADDIR, 1000},   {P9_TWRITE, 100},  {P9_TCLUNK, 0},
    {P9_TGETATTR, 0},
};

void fuzz_one(const uint8_t *input, size_t size)
{
    struct p9_reply reply;
    uint16_t tag;

    if (size < 1 || !p9_tag(input + 1, size - 1, &tag)) {
        return;
    }
    struct p9_question question = questions[input[0] % (sizeof questions / sizeof questions[0])];
    if (failed(p9_parse(input + 1, size - 1, question, &reply))) {
        return;
    }
    INVARIANT(question.type == P9_TLOPEN || reply.count <= question.limit);
    if (reply.data != 0) {
        struct p9_reader reader = {.at = reply.data, .left = reply.count};
        struct p9_entry entry;

        INVARIANT(reply.data >= input && reply.data + reply.count == input + size);
        while (p9_next_entry(&reader, &entry)) {
            INVARIANT((const uint8_t *)entry.name + entry.size <= input + size);
            INVARIANT(entry.size > 0);
        }
    }
}
