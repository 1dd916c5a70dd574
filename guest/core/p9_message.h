/* The ten messages that this client sends, and the judgement of what comes back.
 *
 * Nothing here has state, waits or sends. A reply is accepted only if it is whole, exactly as long as it says, of the
 * type that answers the question, and within what was asked for: no more names than were walked, no more bytes than
 * were wanted or written, no larger msize than was offered. */
#ifndef NINEDOOR_CORE_P9_MESSAGE_H
#define NINEDOOR_CORE_P9_MESSAGE_H

#include "core/p9_path.h"
#include "core/p9_wire.h"
#include "errors.h"

/* What a reply is held against. */
struct p9_question {
    enum p9_type type;
    uint32_t limit; /* Tversion: msize; Twalk: names; Tread, Treaddir, Twrite: bytes; others: 0 */
};

struct p9_reply {
    struct p9_qid qid;   /* Rattach, Rlopen, Rgetattr; of Rwalk the last name's */
    uint32_t count;      /* Rversion: msize; Rwalk: names reached; Rread, Rreaddir, Rwrite: bytes; Rlopen: iounit */
    const uint8_t *data; /* Rread, Rreaddir: in the frame that was parsed */
    uint64_t size;       /* Rgetattr: offset behind the last byte of the file */
    uint64_t base;       /* Rgetattr: … of the first byte it still has; 0 where the server does not tell */
};

/* Each lays its message out in `frame`, which has room for `room` bytes, and returns its size; 0 when it does not
 * fit. */
size_t p9_tversion(uint8_t *frame, size_t room, uint32_t msize);
size_t p9_tattach(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid, const char *uname, const char *aname);
size_t p9_twalk(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid, uint32_t new_fid, const struct p9_path *path);
size_t p9_tlopen(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid, uint32_t flags);
size_t p9_tgetattr(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid);
/* Tread or Treaddir, which differ in their type only. */
size_t p9_tread(uint8_t *frame, size_t room, enum p9_type type, uint16_t tag, uint32_t fid, uint64_t offset,
                uint32_t count);
size_t p9_twrite(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid, uint64_t offset, const void *data,
                 uint32_t count);
size_t p9_tclunk(uint8_t *frame, size_t room, uint16_t tag, uint32_t fid);

/* The tag of `frame`; false if its size[4] is not `size` or it has no header. */
bool p9_tag(const uint8_t *frame, size_t size, uint16_t *tag);

/* Judge `frame` as the answer to `question`. Returns the errno of an Rlerror as it is; EPROTO for a frame that breaks
 * the rules above. Precondition: p9_tag() accepted it. */
status p9_parse(const uint8_t *frame, size_t size, struct p9_question question, struct p9_reply *reply);

/* One entry of the data of an Rreaddir. */
struct p9_entry {
    struct p9_qid qid;
    uint64_t offset; /* where the next Treaddir goes on */
    const char *name;
    uint16_t size; /* bytes of the name, 1..255 */
};

/* Take the next entry off `reader`: false at the end, and at a malformed entry, which also sets reader->bad. */
bool p9_next_entry(struct p9_reader *reader, struct p9_entry *entry);

#endif
