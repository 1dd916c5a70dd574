#include "core/p9_wire.h"

#include "bytes.h"

/* Where the next `count` bytes go; null when they do not fit. */
static uint8_t *claim(struct p9_writer *writer, size_t count)
{
    if (writer->bad || count > writer->room - writer->used) {
        writer->bad = true;
        return 0;
    }
    writer->used += count;
    return writer->at + writer->used - count;
}

void p9_put8(struct p9_writer *writer, uint8_t value)
{
    p9_put_bytes(writer, &value, sizeof value);
}

void p9_put16(struct p9_writer *writer, uint16_t value)
{
    uint8_t *at = claim(writer, sizeof value);

    if (at != 0) {
        store16(at, value);
    }
}

void p9_put32(struct p9_writer *writer, uint32_t value)
{
    uint8_t *at = claim(writer, sizeof value);

    if (at != 0) {
        store32(at, value);
    }
}

void p9_put64(struct p9_writer *writer, uint64_t value)
{
    uint8_t *at = claim(writer, sizeof value);

    if (at != 0) {
        store64(at, value);
    }
}

void p9_put_bytes(struct p9_writer *writer, const void *bytes, size_t count)
{
    uint8_t *at = claim(writer, count);

    if (at != 0 && count > 0) {
        memcpy(at, bytes, count);
    }
}

void p9_put_string(struct p9_writer *writer, const char *bytes, size_t count)
{
    if (count > UINT16_MAX) {
        writer->bad = true;
        return;
    }
    p9_put16(writer, (uint16_t)count);
    p9_put_bytes(writer, bytes, count);
}

const uint8_t *p9_get_bytes(struct p9_reader *reader, size_t count)
{
    const uint8_t *at = reader->at;

    if (reader->bad || count > reader->left) {
        reader->bad = true;
        return 0;
    }
    reader->at += count;
    reader->left -= count;
    return at;
}

uint8_t p9_get8(struct p9_reader *reader)
{
    const uint8_t *at = p9_get_bytes(reader, 1);

    return at != 0 ? *at : 0;
}

uint16_t p9_get16(struct p9_reader *reader)
{
    const uint8_t *at = p9_get_bytes(reader, 2);

    return at != 0 ? load16(at) : 0;
}

uint32_t p9_get32(struct p9_reader *reader)
{
    const uint8_t *at = p9_get_bytes(reader, 4);

    return at != 0 ? load32(at) : 0;
}

uint64_t p9_get64(struct p9_reader *reader)
{
    const uint8_t *at = p9_get_bytes(reader, 8);

    return at != 0 ? load64(at) : 0;
}

struct p9_qid p9_get_qid(struct p9_reader *reader)
{
    struct p9_qid qid;

    qid.type = p9_get8(reader);
    qid.version = p9_get32(reader);
    qid.path = p9_get64(reader);
    return qid;
}
