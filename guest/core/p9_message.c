#include "core/p9_message.h"

#include "bytes.h"

enum {
    ERRNO_MOST = 4095,         /* no Linux error number is larger (include/linux/err.h) */
    ENTRY_NAME_MOST = 255,     /* NAME_MAX of Linux: what a file behind QEMU may be called */
    GETATTR_SIZE = 0x200,      /* P9_GETATTR_SIZE */
    GETATTR_BASE = 0x2000,     /* P9_GETATTR_DATA_VERSION: the oldest byte kept, of a hive's append-only file */
    GETATTR_BEFORE_SIZE = 28,  /* mode[4] uid[4] gid[4] nlink[8] rdev[8] */
    GETATTR_BEFORE_BASE = 88,  /* blksize[8] … gen[8] */
};

static struct p9_writer begin(uint8_t *frame, size_t room, enum p9_type type, uint16_t tag)
{
    struct p9_writer writer = {.at = frame, .room = room};

    p9_put32(&writer, 0); /* the size, when it is known */
    p9_put8(&writer, (uint8_t)type);
    p9_put16(&writer, tag);
    return writer;
}

static size_t end(struct p9_writer *writer)
{
    if (writer->bad) {
        return 0;
    }
    store32(writer->at, (uint32_t)writer->used);
    return writer->used;
}

size_t p9_tversion(uint8_t *frame, size_t room, uint32_t msize)
{
    struct p9_writer writer = begin(frame, room, P9_TVERSION, P9_NOTAG);

    p9_put32(&writer, msize);
    p9_put_string(&writer, P9_VERSION, sizeof P9_VERSION - 1);
    return end(&writer);
}

size_t p9_tattach(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid, const char *uname, const char *aname)
{
    struct p9_writer writer = begin(frame, room, P9_TATTACH, tag);

    p9_put32(&writer, fid);
    p9_put32(&writer, P9_NOFID); /* afid: the ticket in aname is the authentication */
    p9_put_string(&writer, uname, strlen(uname));
    p9_put_string(&writer, aname, strlen(aname));
    p9_put32(&writer, P9_NOFID); /* n_uname: uname says it */
    return end(&writer);
}

size_t p9_twalk(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid, uint32_t new_fid, const struct p9_path *path)
{
    struct p9_writer writer = begin(frame, room, P9_TWALK, tag);

    p9_put32(&writer, fid);
    p9_put32(&writer, new_fid);
    p9_put16(&writer, path->count);
    for (unsigned i = 0; i < path->count; i++) {
        p9_put_string(&writer, path->names[i].at, path->names[i].size);
    }
    return end(&writer);
}

size_t p9_tlopen(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid, uint32_t flags)
{
    struct p9_writer writer = begin(frame, room, P9_TLOPEN, tag);

    p9_put32(&writer, fid);
    p9_put32(&writer, flags);
    return end(&writer);
}

size_t p9_tgetattr(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid)
{
    struct p9_writer writer = begin(frame, room, P9_TGETATTR, tag);

    p9_put32(&writer, fid);
    p9_put64(&writer, GETATTR_SIZE | GETATTR_BASE);
    return end(&writer);
}

size_t p9_tread(uint8_t *frame, size_t room, enum p9_type type, uint16_t tag, uint32_t fid, uint64_t offset,
                uint32_t count)
{
    struct p9_writer writer = begin(frame, room, type, tag);

    p9_put32(&writer, fid);
    p9_put64(&writer, offset);
    p9_put32(&writer, count);
    return end(&writer);
}

size_t p9_twrite(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid, uint64_t offset, const void *data,
                 uint32_t count)
{
    struct p9_writer writer = begin(frame, room, P9_TWRITE, tag);

    p9_put32(&writer, fid);
    p9_put64(&writer, offset);
    p9_put32(&writer, count);
    p9_put_bytes(&writer, data, count);
    return end(&writer);
}

size_t p9_tclunk(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid)
{
    struct p9_writer writer = begin(frame, room, P9_TCLUNK, tag);

    p9_put32(&writer, fid);
    return end(&writer);
}

bool p9_tag(const uint8_t *frame, size_t size, uint16_t *tag)
{
    if (size < P9_HEADER || size > P9_MSIZE || load32(frame) != size) {
        return false;
    }
    *tag = load16(frame + 5);
    return true;
}

static void parse_version(struct p9_reader *body, struct p9_reply *reply)
{
    reply->count = p9_get32(body);
    uint16_t length = p9_get16(body);
    const uint8_t *version = p9_get_bytes(body, length);
    if (version == 0 || length != sizeof P9_VERSION - 1 || memcmp(version, P9_VERSION, length) != 0
        || reply->count < P9_MSIZE_MIN) {
        body->bad = true;
    }
}

/* A walk that stops at its first name is an Rlerror; Rwalk tells of one name at least (walk(5)). */
static void parse_walk(struct p9_reader *body, uint32_t asked, struct p9_reply *reply)
{
    reply->count = p9_get16(body);
    if (reply->count > asked || (reply->count == 0 && asked > 0)) {
        body->bad = true;
        return;
    }
    for (uint32_t i = 0; i < reply->count; i++) {
        reply->qid = p9_get_qid(body);
    }
}

static void parse_getattr(struct p9_reader *body, struct p9_reply *reply)
{
    uint64_t valid = p9_get64(body);

    reply->qid = p9_get_qid(body);
    p9_get_bytes(body, GETATTR_BEFORE_SIZE);
    reply->size = p9_get64(body);
    p9_get_bytes(body, GETATTR_BEFORE_BASE);
    reply->base = p9_get64(body);
    if ((valid & GETATTR_SIZE) == 0) {
        reply->size = 0;
    }
    if ((valid & GETATTR_BASE) == 0 || reply->base > reply->size) {
        reply->base = 0;
    }
}

static void parse_body(struct p9_reader *body, struct p9_question question, struct p9_reply *reply)
{
    switch (question.type) {
    case P9_TVERSION:
        parse_version(body, reply);
        break;
    case P9_TATTACH:
        reply->qid = p9_get_qid(body);
        break;
    case P9_TWALK:
        parse_walk(body, question.limit, reply);
        return;
    case P9_TLOPEN:
        reply->qid = p9_get_qid(body);
        reply->count = p9_get32(body);
        return;
    case P9_TGETATTR:
        parse_getattr(body, reply);
        break;
    case P9_TREAD:
    case P9_TREADDIR:
        reply->count = p9_get32(body);
        reply->data = p9_get_bytes(body, reply->count);
        break;
    case P9_TWRITE:
        reply->count = p9_get32(body);
        break;
    case P9_TCLUNK:
        break;
    default:
        body->bad = true;
        break;
    }
    if (reply->count > question.limit) {
        body->bad = true;
    }
}

status p9_parse(const uint8_t *frame, size_t size, struct p9_question question, struct p9_reply *reply)
{
    struct p9_reader body = {.at = frame + P9_HEADER, .left = size - P9_HEADER};
    uint8_t type = frame[4];

    *reply = (struct p9_reply){0};
    if (type == P9_RLERROR) {
        uint32_t error = p9_get32(&body);

        if (body.bad || body.left != 0 || error == 0 || error > ERRNO_MOST) {
            return status_error(EPROTO);
        }
        return status_error((uint16_t)error);
    }
    if (type != (unsigned)question.type + 1) {
        return status_error(EPROTO);
    }
    parse_body(&body, question, reply);
    return body.bad || body.left != 0 ? status_error(EPROTO) : status_ok();
}

bool p9_next_entry(struct p9_reader *reader, struct p9_entry *entry)
{
    if (reader->left == 0 || reader->bad) {
        return false;
    }
    entry->qid = p9_get_qid(reader);
    entry->offset = p9_get64(reader);
    p9_get8(reader); /* d_type repeats the qid's */
    entry->size = p9_get16(reader);
    entry->name = (const char *)p9_get_bytes(reader, entry->size);
    if (entry->size == 0 || entry->size > ENTRY_NAME_MOST) {
        reader->bad = true;
    }
    return !reader->bad;
}
