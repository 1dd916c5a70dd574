/*
 * Repeats one file operation on one path for a while and prints how many microseconds one took.
 *
 *     file_client OPERATION PATH SECONDS
 *
 * pread128   128 bytes at offset 0 of an open file
 * append128  a line of 128 bytes to a file open with O_APPEND
 * fstat      of an open file
 * stat       of the path
 * openread   open, read up to 4096 bytes, close
 * reread     4096 bytes at offset 0 of an open file, or as many as there are
 * list       every entry of a directory with its statx(2) by whole path, as `ls -l` does; ENTRIES of them
 *
 * One thread, closed loop. The clock is read every few operations only, so that it weighs little. Any error, and
 * any answer of the wrong length, ends the program with status 1.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    LINE = 128,
    PAGE = 4096,
    ENTRIES = 1000,
    NOT_OPEN = -1,
    SHOWN = STATX_MODE | STATX_NLINK | STATX_UID | STATX_GID | STATX_MTIME | STATX_SIZE,
};

static const char *path;
static int descriptor = NOT_OPEN;
static char buffer[PAGE];

static bool pread128(void) { return pread(descriptor, buffer, LINE, 0) == LINE; }

static bool append128(void) { return write(descriptor, buffer, LINE) == LINE; }

static bool reread(void) { return pread(descriptor, buffer, PAGE, 0) > 0; }

static bool fstat_open(void)
{
    struct stat found;
    return fstat(descriptor, &found) == 0;
}

static bool stat_path(void)
{
    struct stat found;
    return stat(path, &found) == 0;
}

static bool openread(void)
{
    int opened = open(path, O_RDONLY);
    if (opened < 0)
        return false;
    bool full = read(opened, buffer, PAGE) > 0;
    return close(opened) == 0 && full;
}

static bool list(void)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return false;
    int entries = 0;
    bool sound = true;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char whole[PAGE];
        struct statx found;
        if (entry->d_name[0] == '.')
            continue;
        stpcpy(stpcpy(stpcpy(whole, path), "/"), entry->d_name);
        sound &= statx(AT_FDCWD, whole, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, SHOWN, &found) == 0;
        entries++;
    }
    return closedir(directory) == 0 && sound && entries == ENTRIES;
}

static const struct operation {
    const char *name;
    bool (*once)(void);
    int flags;     /* of open(2), or NOT_OPEN when the operation takes the path */
    int at_a_time; /* repetitions between two looks at the clock */
} operations[] = {
    {"pread128", pread128, O_RDONLY, 64},
    {"append128", append128, O_WRONLY | O_APPEND, 64},
    {"fstat", fstat_open, O_RDONLY, 64},
    {"stat", stat_path, NOT_OPEN, 64},
    {"openread", openread, NOT_OPEN, 64},
    {"reread", reread, O_RDONLY, 64},
    {"list", list, NOT_OPEN, 1},
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec + time.tv_nsec / 1e9;
}

static const struct operation *find(const char *name)
{
    for (size_t at = 0; at < sizeof operations / sizeof *operations; at++)
        if (strcmp(operations[at].name, name) == 0)
            return &operations[at];
    return NULL;
}

int main(int count, char **words)
{
    const struct operation *operation = count == 4 ? find(words[1]) : NULL;
    if (operation == NULL) {
        fprintf(stderr, "usage: file_client OPERATION PATH SECONDS\n");
        return 2;
    }
    path = words[2];
    double seconds = atof(words[3]);
    memset(buffer, 'q', sizeof buffer);
    buffer[LINE - 1] = '\n';
    if (operation->flags != NOT_OPEN && (descriptor = open(path, operation->flags)) < 0) {
        perror(path);
        return 1;
    }
    long done = 0;
    double start = now(), elapsed;
    do {
        for (int left = operation->at_a_time; left > 0; left--, done++)
            if (!operation->once()) {
                perror(words[1]);
                return 1;
            }
        elapsed = now() - start;
    } while (elapsed < seconds);
    printf("%.4f\n", elapsed * 1e6 / done);
    return 0;
}
