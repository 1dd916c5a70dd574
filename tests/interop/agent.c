/* Runs system calls that the host names, inside a Linux guest; what `tests.conformance.oscalls` is on the host.
 *
 *     agent DEVICE
 *
 * Both ways a message is a length (4 bytes, little-endian, of what follows) and values. A value is 'i' and a
 * signed 8-byte number, or 'b', a 4-byte length and as many bytes. A request is the name of a call and its
 * arguments. An answer is an errno, 0 if there is none, and the results. Ends when the host hangs up.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

enum { ARGUMENTS = 4, DESCRIPTORS = 1024, PIECE = 1 << 17 };

struct value {
    int64_t number;
    uint32_t size;
    char *bytes; /* NULL for a number; ends with a NUL that is not counted */
};

/* -- messages */

static int channel;
static char *answer;
static size_t answered, room;

static void transfer(ssize_t (*move)(int, void *, size_t), void *at, size_t size)
{
    while (size) {
        ssize_t moved = move(channel, at, size);
        if (moved <= 0)
            exit(moved < 0);
        at = (char *)at + moved;
        size -= moved;
    }
}

static ssize_t put(int descriptor, void *from, size_t size) { return write(descriptor, from, size); }

static void add(const void *from, size_t size)
{
    if (answered + size > room) {
        room = 2 * (answered + size);
        if (!(answer = realloc(answer, room)))
            abort();
    }
    memcpy(answer + answered, from, size);
    answered += size;
}

static void add_number(int64_t number)
{
    add("i", 1);
    add(&number, sizeof number);
}

static void add_bytes(const void *from, uint32_t size)
{
    add("b", 1);
    add(&size, sizeof size);
    add(from, size);
}

static int take(char *from, const char *end, struct value *values)
{
    int count = 0;
    while (from < end && count < ARGUMENTS) {
        struct value *value = &values[count++];
        memset(value, 0, sizeof *value);
        if (*from++ == 'i') {
            memcpy(&value->number, from, sizeof value->number);
            from += sizeof value->number;
        } else {
            memcpy(&value->size, from, sizeof value->size);
            from += sizeof value->size;
            value->bytes = calloc(1, value->size + 1);
            memcpy(value->bytes, from, value->size);
            from += value->size;
        }
    }
    return count;
}

/* -- calls: each returns 0 and adds its results, or returns -1 with errno set */

static char opened[DESCRIPTORS];

static int call_open(struct value *a)
{
    int descriptor = open(a[0].bytes, a[1].number, 0644);
    if (descriptor < 0)
        return -1;
    opened[descriptor % DESCRIPTORS] = 1;
    add_number(descriptor);
    return 0;
}

static int call_close(struct value *a)
{
    opened[a[0].number % DESCRIPTORS] = 0;
    return close(a[0].number);
}

static int call_close_all(struct value *a)
{
    (void)a;
    for (int descriptor = 0; descriptor < DESCRIPTORS; descriptor++)
        if (opened[descriptor]) {
            opened[descriptor] = 0;
            close(descriptor);
        }
    return 0;
}

static int call_pread(struct value *a)
{
    char *buffer = malloc(a[1].number);
    ssize_t got = pread(a[0].number, buffer, a[1].number, a[2].number);
    if (got >= 0)
        add_bytes(buffer, got);
    free(buffer);
    return got < 0 ? -1 : 0;
}

static int call_write_to(struct value *a)
{
    ssize_t taken = write(a[0].number, a[1].bytes, a[1].size);
    if (taken < 0)
        return -1;
    add_number(taken);
    return 0;
}

static int closing(int descriptor, int result)
{
    int failed = errno;
    close(descriptor);
    errno = failed;
    return result;
}

static int call_write(struct value *a)
{
    int descriptor = open(a[0].bytes, a[2].number, 0644);
    if (descriptor < 0)
        return -1;
    struct value to[2] = {{.number = descriptor}, a[1]};
    return closing(descriptor, call_write_to(to));
}

static int call_read(struct value *a)
{
    static char buffer[PIECE];
    char *whole = NULL;
    size_t size = 0;
    ssize_t got;
    int descriptor = open(a[0].bytes, O_RDONLY);
    if (descriptor < 0)
        return -1;
    while ((got = read(descriptor, buffer, sizeof buffer)) > 0) {
        if (!(whole = realloc(whole, size + got)))
            abort();
        memcpy(whole + size, buffer, got);
        size += got;
    }
    if (got == 0)
        add_bytes(whole ? whole : "", size);
    int result = closing(descriptor, got < 0 ? -1 : 0);
    free(whole);
    return result;
}

static int call_listdir(struct value *a)
{
    DIR *directory = opendir(a[0].bytes);
    struct dirent *entry;
    if (!directory)
        return -1;
    while (errno = 0, (entry = readdir(directory)))
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            add_bytes(entry->d_name, strlen(entry->d_name));
    int failed = errno;
    closedir(directory);
    errno = failed;
    return failed ? -1 : 0;
}

static int call_stat(struct value *a)
{
    struct stat status;
    if (stat(a[0].bytes, &status) < 0)
        return -1;
    add_number(status.st_mode);
    add_number(status.st_size);
    add_number(status.st_uid);
    add_number(status.st_gid);
    add_number(status.st_nlink);
    return 0;
}

static int call_change(struct value *a)
{
    const char *verb = a[0].bytes, *path = a[1].bytes, *other = a[2].bytes;
    if (!strcmp(verb, "chmod")) return chmod(path, 0600);
    if (!strcmp(verb, "chown")) return chown(path, 1, 1);
    if (!strcmp(verb, "link")) return link(path, other);
    if (!strcmp(verb, "mkdir")) return mkdir(path, 0777);
    if (!strcmp(verb, "mkfifo")) return mkfifo(path, 0666);
    if (!strcmp(verb, "rename")) return rename(path, other);
    if (!strcmp(verb, "rmdir")) return rmdir(path);
    if (!strcmp(verb, "symlink")) return symlink(other, path);
    if (!strcmp(verb, "truncate")) return truncate(path, 0);
    if (!strcmp(verb, "unlink")) return unlink(path);
    if (!strcmp(verb, "utime")) return utime(path, NULL);
    errno = ENOSYS;
    return -1;
}

static int call_mount(struct value *a)
{
    mkdir(a[1].bytes, 0777);
    return mount(a[0].bytes, a[1].bytes, "9p", 0, a[2].bytes);
}

static int call_unmount(struct value *a) { return umount(a[0].bytes); }

static const struct {
    const char *name;
    int arguments;
    int (*run)(struct value *);
} calls[] = {
    {"change", 3, call_change}, {"close", 1, call_close},     {"close_all", 0, call_close_all},
    {"listdir", 1, call_listdir}, {"mount", 3, call_mount},   {"open", 2, call_open},
    {"pread", 3, call_pread},   {"read", 1, call_read},       {"stat", 1, call_stat},
    {"unmount", 1, call_unmount}, {"write", 3, call_write},   {"write_to", 2, call_write_to},
};

/* Adds what the call gives, in place of the errno that stands first in the answer. */
static void serve(struct value *values, int count)
{
    int failed = ENOSYS;
    answered = sizeof(uint32_t);
    add_number(0);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (!strcmp(values[0].bytes, calls[i].name) && count == calls[i].arguments + 1)
            failed = calls[i].run(values + 1) < 0 ? errno : 0;
    if (failed) {
        answered = sizeof(uint32_t);
        add_number(failed);
    }
}

int main(int count, char **words)
{
    if (count != 2 || (channel = open(words[1], O_RDWR)) < 0) {
        perror("agent");
        return 2;
    }
    for (;;) {
        struct value values[ARGUMENTS];
        uint32_t size;
        transfer(read, &size, sizeof size);
        char *request = malloc(size);
        transfer(read, request, size);
        int taken = take(request, request + size, values);
        free(request);
        serve(values, taken);
        while (taken)
            free(values[--taken].bytes);
        size = answered - sizeof size;
        memcpy(answer, &size, sizeof size);
        transfer(put, answer, answered);
    }
}
