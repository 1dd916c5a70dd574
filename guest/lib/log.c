/* Lines for the serial line and for /log/queen.log. The queue is a ring of fixed lines; when the hive cannot be
 * reached for long, the oldest go first and are counted, so that the newest, which tell why, are still there. */
#include "log.h"

#include "bytes.h"
#include "events.h"
#include "format.h"
#include "platform.h"

static void (*sink)(const char *line, size_t length);

static struct {
    char lines[LOG_QUEUE][LOG_LINE];
    unsigned long begin, end; /* numbers of the oldest line kept and of the next to come */
    unsigned long dropped;
} queue;

void log_sink(void (*to)(const char *line, size_t length))
{
    sink = to;
}

static void print(const struct text *line)
{
    if (sink != 0) {
        sink(line->at, line->used);
        return;
    }
    serial_write(line->at, line->used);
    serial_write("\n", 1);
}

static void enqueue(const char *line, size_t length)
{
    if (queue.end - queue.begin == LOG_QUEUE) {
        queue.begin++;
        queue.dropped++;
    }
    memcpy(queue.lines[queue.end++ % LOG_QUEUE], line, length + 1);
    pump_ready(SOURCE_NINEP);
}

bool log_queue_copy(char line[LOG_LINE], unsigned long *number)
{
    if (queue.begin == queue.end) {
        return false;
    }
    memcpy(line, queue.lines[queue.begin % LOG_QUEUE], LOG_LINE);
    *number = queue.begin;
    return true;
}

void log_queue_done(unsigned long number)
{
    if (number == queue.begin && queue.begin != queue.end) {
        queue.begin++;
    }
}

unsigned long log_queue_dropped(void)
{
    return queue.dropped;
}

#define PREFIX_LOG "[ninedoor:root-task] "
#define PREFIX_AUDIT "[INFO audit] "

/* A line of `prefix` and the formatted rest, of which `prefix` is already known to fit. */
#define COMPOSE(line, prefix, format)                          \
    char buffer_[LOG_LINE];                                    \
    va_list arguments_;                                        \
    struct text line;                                          \
    text_begin(&line, buffer_, sizeof buffer_);                \
    text_add_bytes(&line, (prefix), sizeof(prefix) - 1);       \
    va_start(arguments_, format);                              \
    text_add_list(&line, (format), arguments_);                \
    va_end(arguments_)

void log_line(const char *format, ...)
{
    COMPOSE(line, PREFIX_LOG, format);
    print(&line);
}

void log_audit(const char *format, ...)
{
    COMPOSE(line, PREFIX_AUDIT, format);
    print(&line);
}

void log_plain(const char *format, ...)
{
    COMPOSE(line, "", format);
    print(&line);
}

void log_event(const char *format, ...)
{
    COMPOSE(line, PREFIX_LOG, format);
    print(&line);
    enqueue(line.at + sizeof PREFIX_LOG - 1, line.used - (sizeof PREFIX_LOG - 1));
}

void log_quiet(const char *format, ...)
{
    COMPOSE(line, "", format);
    enqueue(line.at, line.used);
}
