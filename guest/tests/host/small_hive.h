/* A hive of a handful of files behind the fake transport, for what is built on files; and a host whose clock moves only
 * when somebody waits. */
#ifndef NINEDOOR_TESTS_SMALL_HIVE_H
#define NINEDOOR_TESTS_SMALL_HIVE_H

#include "core/p9_file.h"
#include "fake_server.h"

enum {
    HIVE_FILES = 16,
    HIVE_FIDS = 64,
    HIVE_CONTENT = 100000,
};

struct hive_file {
    char path[100];
    char content[HIVE_CONTENT];
    size_t size;
    uint64_t base; /* offset of the oldest byte it tells to have */
    unsigned open_error, write_error, read_error; /* errno to refuse with; 0: none */
    bool directory;                               /* then `content` is not used */
};

struct small_hive {
    struct fake_server server; /* first */
    struct hive_file files[HIVE_FILES];
    unsigned file_count;
    struct {
        uint32_t fid;
        int file; /* index, -1: not in use */
        bool opened;
    } fids[HIVE_FIDS];
    uint32_t highest_fid;
    unsigned attach_error;
    char uname[64], aname[300]; /* of the latest attach */
    uint32_t latest_flags;
    bool silent;                /* answers nothing */
    unsigned silent_type;       /* answers nothing to this type */
    void (*on_write)(struct small_hive *hive, struct hive_file *file, const char *data, size_t size);

    struct p9_client client;
    struct p9_host host;
    uint64_t now_ms;
};

/* A hive with the root only, and a client with a session. */
void hive_begin(struct small_hive *hive);
struct hive_file *hive_add(struct small_hive *hive, const char *path, const char *content);
struct hive_file *hive_file(struct small_hive *hive, const char *path);
void hive_remove(struct small_hive *hive, const char *path);
/* As if the daemon was killed and started: fids and session are gone; files stay. */
void hive_restart(struct small_hive *hive);
unsigned hive_open_fids(const struct small_hive *hive);
/* Let `ms` pass, polling as the pump would. */
void hive_pass(struct small_hive *hive, uint64_t ms);

#endif
