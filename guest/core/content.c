#include "core/content.h"

#include "bytes.h"
#include "core/utf8.h"
#include "format.h"

enum {
    RECORDS = 1024, /* bytes of directory entries read in one go */
    ESCAPE = 12,
};

/* Read from `offset` on until nothing more comes, or `room` is full. Returns how many bytes came. */
static status read_from(struct content *content, struct p9_file *file, uint64_t offset, bool *more)
{
    content->size = 0;
    *more = false;
    for (;;) {
        uint8_t probe; /* one byte behind what fits tells whether there is more */
        bool full = content->size == CONTENT_BYTES;
        uint8_t *at = full ? &probe : (uint8_t *)content->bytes + content->size;
        uint32_t room = full ? 1 : (uint32_t)(CONTENT_BYTES - content->size);
        uint32_t count;
        status result = p9_read(file, offset + content->size, at, room, &count);

        *more = full && count > 0;
        if (failed(result) || count == 0 || full) {
            return result;
        }
        content->size += count;
    }
}

status content_whole(struct content *content, struct p9_file *file)
{
    bool more;

    if ((file->qid.type & P9_QT_DIR) != 0) {
        return status_error(EISDIR);
    }
    status result = read_from(content, file, 0, &more);
    return !failed(result) && more ? status_error(EMSGSIZE) : result;
}

/* Drop a first line of which only the end was read, unless it is all there is; and line feeds, which is what a server
 * that does not tell its oldest byte gives in place of lost ones. */
static void drop_partial_line(struct content *content)
{
    size_t start = 0;

    while (start < content->size && content->bytes[start] != '\n') {
        start++;
    }
    if (start == content->size) {
        return;
    }
    while (start < content->size && content->bytes[start] == '\n') {
        start++;
    }
    content->size -= start;
    memmove(content->bytes, content->bytes + start, content->size);
}

status content_latest(struct content *content, struct p9_file *file)
{
    uint64_t base, end;
    bool more; /* it grew meanwhile: what was read is all that was there */

    if ((file->qid.type & P9_QT_DIR) != 0) {
        return status_error(EISDIR);
    }
    status result = p9_extent(file, &base, &end);
    if (failed(result) || end - base <= CONTENT_BYTES) {
        return failed(result) ? result : read_from(content, file, 0, &more); /* from 0: the oldest bytes there are */
    }
    result = read_from(content, file, end - CONTENT_BYTES, &more);
    drop_partial_line(content);
    return result;
}

/* Add `size` bytes of a name; false when they do not fit. Control characters and what is no UTF-8 are escaped. */
static bool add_name(struct content *content, const char *name, size_t size)
{
    struct utf8 utf8 = {0};
    struct text text;

    text_begin(&text, content->bytes + content->size, CONTENT_BYTES - content->size);
    for (size_t i = 0; i < size; i++) {
        uint32_t characters[2];
        unsigned count = utf8_take(&utf8, (uint8_t)name[i], characters);

        for (unsigned j = 0; j < count; j++) {
            char bytes[ESCAPE];
            bool shown = characters[j] >= ' ' && (characters[j] < 0x7f || characters[j] > 0x9f);
            size_t length = shown ? utf8_put(characters[j], bytes)
                                  : text_format(bytes, sizeof bytes, "\\x%02x", (unsigned)characters[j]);

            text_add_bytes(&text, bytes, length);
        }
    }
    text_add_bytes(&text, "\n", 1);
    content->size += text.used;
    return !text.cut;
}

static bool is_dots(const struct p9_entry *entry)
{
    return entry->name[0] == '.' && (entry->size == 1 || (entry->size == 2 && entry->name[1] == '.'));
}

status content_names(struct content *content, struct p9_file *directory, unsigned *entries)
{
    uint8_t records[RECORDS];
    uint64_t offset = 0;
    uint32_t count;

    *entries = 0;
    content->size = 0;
    if ((directory->qid.type & P9_QT_DIR) == 0) {
        return status_error(ENOTDIR);
    }
    for (;;) {
        struct p9_entry entry;
        status result = p9_list(directory, offset, records, sizeof records, &count);
        struct p9_reader reader = {.at = records, .left = count};

        if (failed(result) || count == 0) {
            return result;
        }
        while (p9_next_entry(&reader, &entry)) {
            offset = entry.offset;
            if (is_dots(&entry)) { /* QEMU lists them */
                continue;
            }
            if (!add_name(content, entry.name, entry.size)) {
                return status_error(EMSGSIZE);
            }
            ++*entries;
        }
        if (reader.bad) {
            return status_error(EPROTO);
        }
    }
}
