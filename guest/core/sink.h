/* Where text goes that is meant for a person or a program at the other end of a line. */
#ifndef NINEDOOR_CORE_SINK_H
#define NINEDOOR_CORE_SINK_H

#include <stddef.h>

struct sink {
    void (*put)(void *context, const char *bytes, size_t count);
    void *context;
};

static inline void sink_put(const struct sink *sink, const char *bytes, size_t count)
{
    sink->put(sink->context, bytes, count);
}

#endif
