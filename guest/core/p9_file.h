/* Files of the hive, as the console and the workers use them: open by path, read, list, append, close.
 *
 * A tree is where paths begin: the root of the client's own attach, or of another attach with another ticket. Every
 * call waits for its replies (p9_exchange.h) and returns the hive's errno as it is; see there for the errors that are
 * our own. A tree or file of a session that was lost answers ENOTCONN, for ever. */
#ifndef NINEDOOR_CORE_P9_FILE_H
#define NINEDOOR_CORE_P9_FILE_H

#include "core/p9_exchange.h"

enum p9_open_flags { /* of Linux, which 9P2000.L carries */
    P9_RDONLY = 0,
    P9_WRONLY = 1,
    P9_O_APPEND = 02000,
    P9_O_DIRECTORY = 0200000,
};

struct p9_tree {
    struct p9_client *client;
    const struct p9_host *host;
    const char *export; /* path from the fid to the hive's root: "" or as "/hive" */
    uint32_t generation, fid;
};

struct p9_file {
    struct p9_tree tree; /* that it was opened in */
    uint32_t fid;
    struct p9_qid qid;
};

/* The tree of the client's own attach, as it is now. ENOTCONN: none. */
status p9_tree_own(struct p9_tree *tree, struct p9_client *client, const struct p9_host *host, const char *export);

/* Attach once more, with another name and ticket; `tree` is set up like that of `own`. p9_tree_release() ends it. */
status p9_tree_attach(struct p9_tree *tree, const struct p9_tree *own, const char *uname, const char *aname);
void p9_tree_release(struct p9_tree *tree);

/* Walk to `path`, `size` bytes beginning with '/', and open it. Errors of p9_path_add(); ENOENT for a walk that stopped
 * half-way. */
status p9_open(struct p9_file *file, const struct p9_tree *tree, const char *path, size_t size, uint32_t flags);
/* `result` of a request in `tree`, looked at twice: EINVAL is also what a hive that was restarted says to a session it
 * does not know, and is ENOTCONN then. */
status p9_explain(const struct p9_tree *tree, status result);

/* Whether `path` can be walked to. */
status p9_reach(const struct p9_tree *tree, const char *path, size_t size);
void p9_close(struct p9_file *file);

/* Read at most `room` bytes at `offset`; `count` 0 is the end. */
status p9_read(struct p9_file *file, uint64_t offset, uint8_t *buffer, uint32_t room, uint32_t *count);
/* Read directory entries, for p9_next_entry(), from `offset`, which is 0 or that of the last entry seen. */
status p9_list(struct p9_file *file, uint64_t offset, uint8_t *buffer, uint32_t room, uint32_t *count);
/* Write `size` bytes at the end, in one request. EMSGSIZE: they do not fit in one. EIO: fewer were taken. */
status p9_append(struct p9_file *file, const void *data, size_t size);
/* Which bytes it has: from offset `base` on, up to `end`. */
status p9_extent(struct p9_file *file, uint64_t *base, uint64_t *end);

/* Open, append, close. */
status p9_append_to(const struct p9_tree *tree, const char *path, const void *data, size_t size);

#endif
