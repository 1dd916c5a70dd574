/*
 * A FUSE server that does nothing but answer: the C floor that a mount is compared with.
 *
 *     fuse_server -f -s -o default_permissions MOUNTPOINT
 *
 *     log        a file of 128 bytes, appendable, direct_io
 *     boot       a text of TEXT bytes that the kernel may cache
 *     worker/    WORKERS directories worker-1, worker-2, …
 *
 * Names and attributes are good for HOLD_S, as in NineDoor's own mount; content is never looked at.
 */
#define FUSE_USE_VERSION 34
#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOT = FUSE_ROOT_ID, LOG, BOOT, WORKER, FIRST_WORKER = 1000, WORKERS = 1000, LINE = 128, TEXT = 400 };

static const double HOLD_S = 1.0;
static const char text[TEXT];

static int attributes(fuse_ino_t inode, struct stat *found)
{
    memset(found, 0, sizeof *found);
    found->st_ino = inode;
    found->st_nlink = 1;
    found->st_mode = S_IFREG | 0644;
    if (inode == LOG)
        found->st_size = LINE;
    else if (inode == BOOT)
        found->st_size = TEXT;
    else if (inode == ROOT || inode == WORKER || (inode > FIRST_WORKER && inode <= FIRST_WORKER + WORKERS)) {
        found->st_mode = S_IFDIR | 0555;
        found->st_nlink = 2;
    } else
        return -1;
    return 0;
}

static fuse_ino_t find(fuse_ino_t parent, const char *name)
{
    if (parent == ROOT)
        return !strcmp(name, "log") ? LOG : !strcmp(name, "boot") ? BOOT : !strcmp(name, "worker") ? WORKER : 0;
    int number = parent == WORKER && !strncmp(name, "worker-", 7) ? atoi(name + 7) : 0;
    return number > 0 && number <= WORKERS ? (fuse_ino_t)(FIRST_WORKER + number) : 0;
}

static struct fuse_entry_param entry_of(fuse_ino_t inode)
{
    struct fuse_entry_param entry = {.ino = inode, .attr_timeout = HOLD_S, .entry_timeout = HOLD_S};
    attributes(inode, &entry.attr);
    return entry;
}

static void on_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    fuse_ino_t inode = find(parent, name);
    if (inode == 0) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    struct fuse_entry_param entry = entry_of(inode);
    fuse_reply_entry(request, &entry);
}

static void on_getattr(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    (void)file;
    struct stat found;
    if (attributes(inode, &found))
        fuse_reply_err(request, ENOENT);
    else
        fuse_reply_attr(request, &found, HOLD_S);
}

static void on_open(fuse_req_t request, fuse_ino_t inode, struct fuse_file_info *file)
{
    file->direct_io = inode == LOG;
    file->keep_cache = inode == BOOT;
    fuse_reply_open(request, file);
}

static void on_read(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *file)
{
    (void)file;
    off_t end = inode == BOOT ? TEXT : LINE;
    size_t left = offset < end ? (size_t)(end - offset) : 0;
    fuse_reply_buf(request, text, size < left ? size : left);
}

static void on_write(fuse_req_t request, fuse_ino_t inode, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *file)
{
    (void)inode, (void)data, (void)offset, (void)file;
    fuse_reply_write(request, size);
}

static void on_readdirplus(fuse_req_t request, fuse_ino_t inode, size_t size, off_t offset,
                           struct fuse_file_info *file)
{
    (void)file;
    char *records = malloc(size), name[32];
    size_t used = 0;
    for (int at = (int)offset; inode == WORKER && at < WORKERS; at++) {
        snprintf(name, sizeof name, "worker-%d", at + 1);
        struct fuse_entry_param entry = entry_of(FIRST_WORKER + at + 1);
        size_t length = fuse_add_direntry_plus(request, records + used, size - used, name, &entry, at + 1);
        if (length > size - used)
            break;
        used += length;
    }
    fuse_reply_buf(request, records, used);
    free(records);
}

static void on_init(void *data, struct fuse_conn_info *connection)
{
    (void)data;
    connection->want &= ~FUSE_CAP_READDIRPLUS_AUTO;
}

int main(int count, char **words)
{
    static const struct fuse_lowlevel_ops operations = {
        .init = on_init,
        .lookup = on_lookup,
        .getattr = on_getattr,
        .open = on_open,
        .read = on_read,
        .write = on_write,
        .readdirplus = on_readdirplus,
    };
    struct fuse_args arguments = FUSE_ARGS_INIT(count, words);
    struct fuse_cmdline_opts options;
    if (fuse_parse_cmdline(&arguments, &options))
        return 1;
    struct fuse_session *session = fuse_session_new(&arguments, &operations, sizeof operations, NULL);
    if (!session || fuse_set_signal_handlers(session) || fuse_session_mount(session, options.mountpoint))
        return 1;
    int status = fuse_session_loop(session);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    return status != 0;
}
