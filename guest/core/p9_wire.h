/* Bytes of 9P2000.L: the numbers of the protocol, and the only two ways to touch a frame.
 *
 * A writer never writes past its room and a reader never reads past its end: what does not fit sets `bad`, after
 * which writes do nothing and reads give zeros, so that a message is laid out without a check per field and judged
 * once at its end. Layouts: intro(5) of Plan 9 and the 9P2000.L protocol page of diod. */
#ifndef NINEDOOR_CORE_P9_WIRE_H
#define NINEDOOR_CORE_P9_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generated/manifest.h"

enum {
    P9_MSIZE = NINEDOOR_SECURE9P_MSIZE,
    P9_MSIZE_MIN = NINEDOOR_LIMIT_MSIZE_MIN,
    P9_DEPTH = NINEDOOR_SECURE9P_WALK_DEPTH,
    P9_NAME = NINEDOOR_LIMIT_NAME_MAX,
    P9_HEADER = NINEDOOR_LIMIT_HEADER_BYTES,
    P9_IO_OVERHEAD = NINEDOOR_LIMIT_IO_OVERHEAD,
    P9_PAYLOAD = P9_MSIZE - P9_IO_OVERHEAD, /* most data of one Rread or Twrite */
    P9_NOTAG = 0xffff,
};

#define P9_NOFID UINT32_C(0xffffffff)
#define P9_VERSION "9P2000.L"

enum p9_type {
    P9_RLERROR = 7,
    P9_TLOPEN = 12,
    P9_TGETATTR = 24,
    P9_TREADDIR = 40,
    P9_TVERSION = 100,
    P9_TATTACH = 104,
    P9_TWALK = 110,
    P9_TREAD = 116,
    P9_TWRITE = 118,
    P9_TCLUNK = 120,
}; /* the reply to T is T + 1, or P9_RLERROR */

enum p9_qid_type {
    P9_QT_DIR = 0x80,
    P9_QT_APPEND = 0x40,
};

struct p9_qid {
    uint8_t type;
    uint32_t version;
    uint64_t path;
};

struct p9_writer {
    uint8_t *at;
    size_t room, used;
    bool bad;
};

struct p9_reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

void p9_put8(struct p9_writer *writer, uint8_t value);
void p9_put16(struct p9_writer *writer, uint16_t value);
void p9_put32(struct p9_writer *writer, uint32_t value);
void p9_put64(struct p9_writer *writer, uint64_t value);
void p9_put_bytes(struct p9_writer *writer, const void *bytes, size_t count);
/* length[2] and the bytes */
void p9_put_string(struct p9_writer *writer, const char *bytes, size_t count);

uint8_t p9_get8(struct p9_reader *reader);
uint16_t p9_get16(struct p9_reader *reader);
uint32_t p9_get32(struct p9_reader *reader);
uint64_t p9_get64(struct p9_reader *reader);
/* `count` bytes where they lie; null, and nothing taken, when fewer are left. */
const uint8_t *p9_get_bytes(struct p9_reader *reader, size_t count);
struct p9_qid p9_get_qid(struct p9_reader *reader);

#endif
