/* Streams: whatever the bytes are and however they are cut, each whole frame is one that p9_tag() accepts, and the
 * frames do not depend on the cuts. */
#include <string.h>

#include "core/p9_message.h"
#include "core/p9_stream.h"
#include "fuzz.h"

const struct fuzz_seed fuzz_seeds[] = {
    {"\1\7\0\0\0\x79\1\0\x0b\0\0\0\x07\2\0\1\0\0\0\7\0\0\0\x79\3\0", 27},
    {"\5\x15\0\0\0\x65\xff\xff\0\x20\0\0\x08\0009P2000.L\7\0\0", 25},
    {0, 0},
};

static uint64_t read_all(const uint8_t *bytes, size_t size, size_t part)
{
    static struct p9_stream stream;
    uint64_t sum = 0;

    p9_stream_begin(&stream);
    for (size_t at = 0; at < size;) {
        size_t offered = size - at < part ? size - at : part, taken;
        uint16_t tag;

        if (failed(p9_stream_take(&stream, bytes + at, offered, &taken))) {
            return sum * 31 + 1;
        }
        INVARIANT(taken > 0 && taken <= offered);
        at += taken;
        if (stream.whole) {
            INVARIANT(p9_tag(stream.frame, stream.have, &tag));
            for (size_t i = 0; i < stream.have; i++) {
                sum = sum * 31 + stream.frame[i];
            }
        }
    }
    return sum;
}

void fuzz_one(const uint8_t *input, size_t size)
{
    if (size > 0) {
        INVARIANT(read_all(input + 1, size - 1, 1u + input[0] % 16) == read_all(input + 1, size - 1, size));
    }
}
