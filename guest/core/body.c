#include "core/body.h"

#include "bytes.h"
#include "core/p9_path.h"

#define BINARY_PREFIX "b64:"
#define STREAM_END "END"

enum {
    PREFIX = sizeof BINARY_PREFIX - 1,
    GROUP = 3, /* bytes that become 4 characters of base64 */
    GROUP_CHARACTERS = 4,
    /* In one line: whole groups, so that each line can be decoded by itself. */
    BINARY_LINE = (LINE_BYTES - PREFIX) / GROUP_CHARACTERS * GROUP,
};

/* -- text or not --------------------------------------------------------------------------------------------------- */

static bool is_shown(uint32_t character)
{
    return character >= ' ' ? character < 0x7f || character > 0x9f : character == '\t' || character == '\n';
}

static bool is_text(const char *content, size_t size)
{
    struct utf8 utf8 = {0};

    for (size_t i = 0; i < size; i++) {
        uint32_t characters[2];
        unsigned count = utf8_take(&utf8, (uint8_t)content[i], characters);
        bool line_end = content[i] == '\r' && i + 1 < size && content[i + 1] == '\n';

        if (utf8.replaced || (count == 1 && !line_end && !is_shown(characters[0]))) {
            return false;
        }
    }
    return utf8.missing == 0;
}

/* Whether the names of `path` are those of `pattern`, in which a null stands for any. */
static bool matches(const struct p9_path *path, const char *const *pattern, unsigned count)
{
    if (path->count != count) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        const struct p9_name *name = &path->names[i];

        if (pattern[i] != 0 && (strlen(pattern[i]) != name->size || memcmp(pattern[i], name->at, name->size) != 0)) {
            return false;
        }
    }
    return true;
}

bool body_is_binary(struct word path)
{
    static const char *const chunk[] = {"updates", 0, "chunks", 0}, *const weights[] = {"models", 0, "weights"};
    struct p9_path names = {.count = 0};

    return !failed(p9_path_add(&names, path.at, path.size))
           && (matches(&names, chunk, ARRAY_LENGTH(chunk)) || matches(&names, weights, ARRAY_LENGTH(weights)));
}

/* -- pieces -------------------------------------------------------------------------------------------------------- */

size_t body_cut(struct word text, size_t most)
{
    if (text.size <= most) {
        return text.size;
    }
    while (most > 0 && ((uint8_t)text.at[most] & 0xc0) == 0x80) {
        most--;
    }
    return most;
}

static size_t put_base64(const uint8_t *bytes, size_t size, char *out)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = out;

    for (size_t i = 0; i < size; i += GROUP) {
        size_t there = size - i < GROUP ? size - i : GROUP;
        uint32_t group = (uint32_t)bytes[i] << 16;

        group |= there > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= there > 2 ? bytes[i + 2] : 0u;
        *at++ = characters[group >> 18];
        *at++ = characters[group >> 12 & 63];
        *at++ = there > 1 ? characters[group >> 6 & 63] : '=';
        *at++ = there > 2 ? characters[group & 63] : '=';
    }
    return (size_t)(at - out);
}

static size_t put_binary(const char *content, size_t size, char piece[BODY_PIECE])
{
    memcpy(piece, BINARY_PREFIX, PREFIX);
    return PREFIX + put_base64((const uint8_t *)content, size < BINARY_LINE ? size : BINARY_LINE, piece + PREFIX);
}

/* The line of `content` that begins at `start`, without its end; `*next` is where the following one begins. */
static struct word line_at(const char *content, size_t size, size_t start, size_t *next)
{
    size_t end = start;

    while (end < size && content[end] != '\n') {
        end++;
    }
    *next = end + 1;
    if (end < size && end > start && content[end - 1] == '\r') {
        end--;
    }
    return (struct word){.at = content + start, .size = end - start};
}

/* Take the first piece off `line`. One that reads as END gets a blank behind it: the stream goes on. */
static size_t take_piece(struct word *line, char piece[BODY_PIECE])
{
    size_t size = body_cut(*line, LINE_BYTES);

    memcpy(piece, line->at, size);
    line->at += size;
    line->size -= size;
    if (size == sizeof STREAM_END - 1 && memcmp(piece, STREAM_END, size) == 0) {
        piece[size++] = ' ';
    }
    return size;
}

void body_begin(struct body *body, const void *content, size_t size, bool binary)
{
    *body = (struct body){.content = content, .size = size, .binary = binary || !is_text(content, size)};
}

bool body_next(struct body *body, char piece[BODY_PIECE], size_t *size)
{
    if (body->line.size == 0 && body->at >= body->size) {
        return false;
    }
    if (body->binary) {
        *size = put_binary(body->content + body->at, body->size - body->at, piece);
        body->at += BINARY_LINE;
    } else {
        if (body->line.size == 0) {
            body->line = line_at(body->content, body->size, body->at, &body->at);
        }
        *size = take_piece(&body->line, piece);
    }
    piece[*size] = '\0';
    return true;
}

/* -- the summary --------------------------------------------------------------------------------------------------- */

/* The last piece of what ends at `end`: that of the line before `end` in a text, of all in a binary. `*start` is where
 * its line begins in the content: the next call's `end`. `*count` grows by the pieces of the line. */
static size_t last_piece(const struct body *body, size_t end, size_t *start, char piece[BODY_PIECE], unsigned *count)
{
    size_t size = 0, next;

    if (body->binary) {
        *start = (end - 1) / BINARY_LINE * BINARY_LINE;
        ++*count;
        return put_binary(body->content + *start, end - *start, piece);
    }
    *start = end - 1; /* the line end itself, or the last byte of a text without one */
    while (*start > 0 && body->content[*start - 1] != '\n') {
        (*start)--;
    }
    struct word line = line_at(body->content, end, *start, &next);
    do {
        size = take_piece(&line, piece);
        ++*count;
    } while (line.size > 0);
    return size;
}

/* From the last line to the first, those that fit into the last bytes of `data`; returns where they begin. */
static size_t choose(const struct body *body, bool brackets, char data[ACK_DETAIL], bool *chosen)
{
    size_t begin = ACK_DETAIL;
    unsigned count = 0;

    *chosen = false;
    for (size_t end = body->size; end > 0 && count < BODY_SUMMARY;) {
        char piece[BODY_PIECE];
        size_t size = last_piece(body, end, &end, piece, &count);
        size_t separator = *chosen ? 1 : 0;

        if ((!brackets && size > 0 && piece[0] == '[') || size > BODY_DATA_LINE || size + separator > begin) {
            continue;
        }
        begin -= separator;
        if (separator > 0) {
            data[begin] = '|';
        }
        begin -= size;
        memcpy(data + begin, piece, size);
        *chosen = true;
    }
    return begin;
}

static bool is_below(struct word path, const char *directory)
{
    size_t size = strlen(directory);

    return path.size >= size && memcmp(path.at, directory, size) == 0;
}

/* Keep the first bytes of `text` that fit behind the path. */
static size_t fit(struct word text, struct word path, char data[ACK_DETAIL])
{
    size_t before = sizeof "path= data=" - 1 + path.size;
    size_t size = body_cut(text, before < ACK_DETAIL ? ACK_DETAIL - before : 0);

    memmove(data, text.at, size);
    return size;
}

size_t body_summary(const void *content, size_t size, struct word path, char data[ACK_DETAIL])
{
    struct body body;
    char piece[BODY_PIECE];
    bool chosen = false;
    size_t start;
    unsigned count = 0;

    if (size == 0) {
        return 0;
    }
    body_begin(&body, content, size, body_is_binary(path));
    if (is_below(path, "/updates/") || is_below(path, "/models/")) {
        size_t first = 0;

        body_next(&body, piece, &first);
        if (first >= PREFIX && memcmp(piece, BINARY_PREFIX, PREFIX) == 0) {
            return fit((struct word){.at = piece, .size = first}, path, data);
        }
    }
    size_t begin = choose(&body, false, data, &chosen);
    if (!chosen) {
        begin = choose(&body, true, data, &chosen);
    }
    if (chosen) {
        return fit((struct word){.at = data + begin, .size = ACK_DETAIL - begin}, path, data);
    }
    size_t last = last_piece(&body, size, &start, piece, &count);
    return fit((struct word){.at = piece, .size = last}, path, data);
}
