#include "core/acknowledgement.h"

#include "bytes.h"
#include "format.h"

/* The blank before the first key does not count. */
enum { DETAIL_WITH_BLANK = ACK_DETAIL + 1 };

static void put(struct acknowledgement *ack, const char *bytes, size_t count)
{
    memcpy(ack->line + ack->size, bytes, count);
    ack->size += count;
    ack->line[ack->size] = '\0';
}

static void begin(struct acknowledgement *ack, const char *outcome, const char *verb)
{
    *ack = (struct acknowledgement){.size = 0};
    ack->size = text_format(ack->line, sizeof ack->line, "%s %s", outcome, verb);
    ack->verb_end = ack->size;
}

void ack_ok(struct acknowledgement *ack, const char *verb)
{
    begin(ack, "OK", verb);
}

void ack_err(struct acknowledgement *ack, const char *verb, const char *reason)
{
    begin(ack, "ERR", verb);
    ack_text(ack, "reason", reason);
    ack->reason_end = ack->size;
}

static bool fits(const struct acknowledgement *ack, size_t count)
{
    return ack->size - ack->verb_end + count <= DETAIL_WITH_BLANK;
}

void ack_field(struct acknowledgement *ack, const char *key, const char *value, size_t size)
{
    size_t key_size = 1 + strlen(key) + 1; /* " key=" */

    if (ack->full) {
        return;
    }
    if (ack->reason_end != 0 && !fits(ack, key_size + size)) {
        ack->full = true;
        ack->size = ack->reason_end;
        put(ack, " ", 1);
        return;
    }
    ack->full = !fits(ack, key_size);
    if (!ack->full) {
        put(ack, " ", 1);
        put(ack, key, key_size - 2);
        put(ack, "=", 1);
        ack->full = !fits(ack, size);
    }
    if (!ack->full) {
        put(ack, value, size);
    }
}

void ack_text(struct acknowledgement *ack, const char *key, const char *value)
{
    ack_field(ack, key, value, strlen(value));
}

void ack_number(struct acknowledgement *ack, const char *key, uint64_t value)
{
    char digits[24];

    ack_field(ack, key, digits, text_format(digits, sizeof digits, "%lu", (unsigned long)value));
}

/* How an errno reads: WORDS of ninedoor/console/refusals.py, and the errors of our own that the hive does not know. */
static const struct words {
    uint16_t error;
    const char *reason, *detail, *text;
} words[] = {
    {EIO, "cut", "", "EIO"}, /* the first: what is not listed reads so */
    {EPERM, "policy", "denied", "EPERM"},
    {EACCES, "policy", "denied", "EPERM"},
    {ENOENT, "policy", "invalid-path", "invalid path"},
    {ENOTDIR, "policy", "invalid-path", "invalid path"},
    {EISDIR, "policy", "invalid-path", "invalid path"},
    {ENAMETOOLONG, "policy", "invalid-path", "invalid path"},
    {EINVAL, "policy", "invalid-payload", "invalid payload"},
    {EOPNOTSUPP, "policy", "unsupported", "unsupported"},
    {EMSGSIZE, "quota", "buffer-full", "buffer full"},
    {EDQUOT, "quota", "buffer-full", "buffer full"},
    {ENOSPC, "quota", "buffer-full", "buffer full"},
    {EMFILE, "quota", "buffer-full", "buffer full"},
    {EBUSY, "busy", "", "EBUSY"},
    {EAGAIN, "busy", "", "EAGAIN"},
    {ETIMEDOUT, "busy", "attach-timeout", "attach handshake timed out"},
    {EBADF, "cut", "", "EBADF"},
    {ESTALE, "cut", "", "ESTALE"},
    {ENOTCONN, "cut", "root-unreachable", ""},
};

static const struct words *words_of(uint16_t error)
{
    for (size_t i = 0; i < ARRAY_LENGTH(words); i++) {
        if (words[i].error == error) {
            return &words[i];
        }
    }
    return &words[0];
}

void ack_refusal(struct acknowledgement *ack, const char *verb, status refused, struct word path)
{
    const struct words *said = words_of(refused.error);

    ack_err(ack, verb, said->reason);
    if (said->detail[0] != '\0') {
        ack_text(ack, "detail", said->detail);
    }
    if (path.size > 0) {
        ack_field(ack, "path", path.at, path.size);
    }
    if (said->text[0] != '\0') {
        ack_text(ack, "error", said->text);
    }
}

void ack_unparsed(struct acknowledgement *ack, const char *detail)
{
    ack_err(ack, "PARSE", "policy");
    ack_text(ack, "detail", detail);
}
