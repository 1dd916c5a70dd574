#include "core/p9_path.h"

#include <stdbool.h>

#include "bytes.h"

static bool is_dots(const char *name, size_t size)
{
    return name[0] == '.' && (size == 1 || (size == 2 && name[1] == '.'));
}

static status add_name(struct p9_path *path, const char *name, size_t size)
{
    if (is_dots(name, size) || path->count == P9_DEPTH) {
        return status_error(EINVAL);
    }
    if (size > P9_NAME) {
        return status_error(ENAMETOOLONG);
    }
    for (size_t i = 0; i < size; i++) {
        if (name[i] == '\0') {
            return status_error(EINVAL);
        }
    }
    path->names[path->count++] = (struct p9_name){.at = name, .size = (uint8_t)size};
    return status_ok();
}

status p9_path_add(struct p9_path *path, const char *text, size_t size)
{
    size_t end = 0;

    if (size > 0 && text[0] != '/') {
        return status_error(EINVAL);
    }
    for (size_t start = 1; start < size; start = end + 1) {
        end = start;
        while (end < size && text[end] != '/') {
            end++;
        }
        status added = end > start ? add_name(path, text + start, end - start) : status_ok();
        if (failed(added)) {
            return added;
        }
    }
    return status_ok();
}
