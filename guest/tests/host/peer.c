/* The guest's client, workers and console on this machine, driven by a test that runs a real hive.
 *
 *     peer SOCKET UNAME TICKET            a command per line of input, an answer per line of output:
 *         session              `ok GENERATION` when there is one, `error NAME` of the attach
 *         read PATH            `ok HEX`
 *         list PATH            `ok NAME NAME …`
 *         append PATH TEXT     `ok`
 *         attach UNAME TICKET  later commands use that attach; `own` ends it
 *         worker ID PERIOD_MS  start a heartbeat worker, ID `-` has the hive make it; `ok`
 *         turns MS             let the worker run; its log lines, then `ok ID BEATS ERROR`
 *     peer SOCKET UNAME TICKET console    the console on standard input and output
 * Every failure is `error NAME`. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/console.h"
#include "core/worker.h"
#include "socket_transport.h"

enum { SESSION_MS = 5000 };

static struct socket_transport transport;
static struct p9_client client;
static struct socket_host host;
static struct p9_tree tree;
static bool attached;
static struct worker worker;
static struct console console;

static void answer(status result)
{
    if (failed(result)) {
        printf("error %s\n", error_name(result.error));
    } else {
        printf("ok\n");
    }
}

static bool has_session(void *subject)
{
    (void)subject;
    return client.state == P9_READY || client.refused;
}

static void session(void)
{
    host.host.wait(&host, has_session, 0, host.host.now_ms(0) + SESSION_MS);
    if (client.state == P9_READY) {
        printf("ok %u\n", client.generation);
    } else {
        answer(client.down_because);
    }
}

static status place(struct p9_tree *where)
{
    *where = tree;
    return attached ? status_ok() : p9_tree_own(where, &client, &host.host, "");
}

static status open_path(const char *path, uint32_t flags, struct p9_file *file)
{
    struct p9_tree where;
    status result = place(&where);

    return failed(result) ? result : p9_open(file, &where, path, strlen(path), flags);
}

static void read_path(const char *path)
{
    uint8_t buffer[P9_MSIZE];
    uint64_t offset = 0;
    struct p9_file file;
    uint32_t count = 0;
    status result = open_path(path, P9_RDONLY, &file);

    if (failed(result)) {
        answer(result);
        return;
    }
    printf("ok ");
    do {
        result = p9_read(&file, offset, buffer, sizeof buffer, &count);
        offset += count;
        for (uint32_t i = 0; i < count; i++) {
            printf("%02x", buffer[i]);
        }
    } while (!failed(result) && count > 0);
    p9_close(&file);
    printf("%s%s\n", failed(result) ? " error " : "", failed(result) ? error_name(result.error) : "");
}

static void list_path(const char *path)
{
    uint8_t buffer[256];
    uint64_t offset = 0;
    struct p9_file file;
    uint32_t count = 0;
    status result = open_path(path, P9_RDONLY | P9_O_DIRECTORY, &file);

    if (failed(result)) {
        answer(result);
        return;
    }
    printf("ok");
    do {
        struct p9_entry entry;

        result = p9_list(&file, offset, buffer, sizeof buffer, &count);
        struct p9_reader reader = {.at = buffer, .left = count};
        while (p9_next_entry(&reader, &entry)) {
            printf(" %.*s", entry.size, entry.name);
            offset = entry.offset;
        }
    } while (!failed(result) && count > 0);
    p9_close(&file);
    printf("%s%s\n", failed(result) ? " error " : "", failed(result) ? error_name(result.error) : "");
}

static void append(const char *path, char *text)
{
    struct p9_tree where;
    status result = place(&where);

    text[strlen(text)] = '\n';
    answer(failed(result) ? result : p9_append_to(&where, path, text, strcspn(text, "\n") + 1));
}

static void attach_as(const char *uname, const char *ticket)
{
    struct p9_tree own;
    status result = p9_tree_own(&own, &client, &host.host, "");

    if (!failed(result)) {
        result = p9_tree_attach(&tree, &own, uname, ticket);
    }
    attached = !failed(result);
    answer(result);
}

static void tell(const char *line)
{
    printf("%s\n", line);
}

static void turns(uint64_t ms)
{
    uint64_t end = host.host.now_ms(0) + ms;

    while (host.host.now_ms(0) < end) {
        worker_turn(&worker);
        socket_pass(&host, 10);
    }
    printf("ok %s %lu %s\n", worker.id[0] != '\0' ? worker.id : "-", (unsigned long)worker.beats,
           failed(worker.because) ? error_name(worker.because.error) : "none");
}

static void carry_out(char *line)
{
    char *verb = strtok(line, " "), *first = strtok(0, " "), *second = strtok(0, "\n");
    static char text[P9_MSIZE];

    verb = verb != 0 ? verb : "";
    first = first != 0 ? first : "";
    snprintf(text, sizeof text - 1, "%s", second != 0 ? second : "");
    if (strcmp(verb, "session") == 0) {
        session();
    } else if (strcmp(verb, "read") == 0) {
        read_path(first);
    } else if (strcmp(verb, "list") == 0) {
        list_path(first);
    } else if (strcmp(verb, "append") == 0) {
        memset(text + strlen(text), 0, 2);
        append(first, text);
    } else if (strcmp(verb, "attach") == 0) {
        attach_as(first, text);
    } else if (strcmp(verb, "own") == 0) {
        p9_tree_release(&tree);
        attached = false;
        answer(status_ok());
    } else if (strcmp(verb, "worker") == 0) {
        worker_begin(&worker, &client, &host.host, "", strcmp(first, "-") == 0 ? "" : first, strtoul(text, 0, 10),
                     (uint64_t)getpid() << 20, tell);
        answer(status_ok());
    } else if (strcmp(verb, "turns") == 0) {
        turns(strtoul(first, 0, 10));
    } else {
        printf("unknown %s\n", verb);
    }
    fflush(stdout);
}

static void put(void *context, const char *bytes, size_t count)
{
    (void)context;
    fwrite(bytes, 1, count, stdout);
    fflush(stdout);
}

static void describe(const char *what, void (*line)(const char *text))
{
    line(what);
}

static void audit(const char *line)
{
    struct p9_tree where;
    char text[300];

    snprintf(text, sizeof text, "%s\n", line);
    if (!failed(p9_tree_own(&where, &client, &host.host, ""))) {
        p9_append_to(&where, "/log/queen.log", text, strlen(text));
    }
}

static uint64_t unix_ms(void)
{
    return UINT64_C(4102444800000); /* 2100: every ticket with a ttl has expired where the hive refuses it */
}

static void run_console(void)
{
    static const struct console_node node = {.describe = describe, .audit = audit, .unix_ms = unix_ms};
    static const struct sink sink = {.put = put};
    char byte;

    host.host.wait(&host, has_session, 0, host.host.now_ms(0) + SESSION_MS);
    console_begin(&console, &client, &host.host, "", &node, &sink, false);
    console_prompt(&console);
    for (;;) {
        struct pollfd typed = {.fd = STDIN_FILENO, .events = POLLIN};

        p9_client_poll(&client, host.host.now_ms(0));
        if (poll(&typed, 1, 10) == 0) {
            continue;
        }
        if (read(STDIN_FILENO, &byte, 1) == 1) {
            console_take(&console, (uint8_t)byte);
        } else {
            break;
        }
    }
}

int main(int count, char **arguments)
{
    static char line[P9_MSIZE];

    if (count < 4) {
        fprintf(stderr, "usage: peer SOCKET UNAME TICKET [console]\n");
        return 2;
    }
    socket_begin(&transport, arguments[1]);
    socket_host_begin(&host, &client, &transport);
    p9_client_begin(&client, &transport.transport, arguments[2], arguments[3]);
    if (count > 4) {
        run_console();
        return 0;
    }
    while (fgets(line, sizeof line, stdin) != 0) {
        line[strcspn(line, "\n")] = '\0';
        carry_out(line);
    }
    return 0;
}
