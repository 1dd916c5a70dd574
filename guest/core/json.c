#include "core/json.h"

#include "bytes.h"

/* Where the string that begins behind the quote before `at` ends: at its closing quote, or at `size`. */
static size_t string_end(const char *text, size_t size, size_t at)
{
    while (at < size && text[at] != '"') {
        at += text[at] == '\\' ? 2 : 1;
    }
    return at < size ? at : size;
}

static size_t skip_blanks(const char *text, size_t size, size_t at)
{
    while (at < size && text[at] == ' ') {
        at++;
    }
    return at;
}

bool json_has_member(const char *text, size_t size, const char *name)
{
    size_t at = skip_blanks(text, size, 0), length = strlen(name);
    unsigned depth = 0;

    if (at == size || text[at] != '{') {
        return false;
    }
    for (; at < size; at++) {
        if (text[at] == '{' || text[at] == '[') {
            depth++;
        } else if (text[at] == '}' || text[at] == ']') {
            depth--;
        } else if (text[at] == '"') {
            size_t start = at + 1;

            at = string_end(text, size, start);
            size_t next = skip_blanks(text, size, at + 1);
            if (depth == 1 && next < size && text[next] == ':' && at - start == length
                && memcmp(text + start, name, length) == 0) {
                return true;
            }
        }
        if (depth == 0) {
            return false;
        }
    }
    return false;
}
