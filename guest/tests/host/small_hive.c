#include "small_hive.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "check.h"

static void reply(struct small_hive *hive, const uint8_t *request, const void *body, size_t size)
{
    fake_reply(&hive->server, request[4] + 1u, load16(request + 5), body, size);
}

static void refuse(struct small_hive *hive, const uint8_t *request, unsigned error)
{
    uint8_t body[4];

    store32(body, error);
    fake_reply(&hive->server, P9_RLERROR, load16(request + 5), body, sizeof body);
}

static int find(struct small_hive *hive, const char *path)
{
    for (unsigned i = 0; i < hive->file_count; i++) {
        if (strcmp(hive->files[i].path, path) == 0) {
            return (int)i;
        }
    }
    return -1;
}

struct hive_file *hive_file(struct small_hive *hive, const char *path)
{
    int found = find(hive, path);

    CHECK(found >= 0);
    return &hive->files[found];
}

struct hive_file *hive_add(struct small_hive *hive, const char *path, const char *content)
{
    struct hive_file *file = &hive->files[hive->file_count++];

    CHECK(hive->file_count <= HIVE_FILES);
    memset(file, 0, sizeof *file);
    snprintf(file->path, sizeof file->path, "%s", path);
    if (content == 0) {
        file->directory = true;
    } else {
        file->size = strlen(content);
        memcpy(file->content, content, file->size);
    }
    return file;
}

void hive_remove(struct small_hive *hive, const char *path)
{
    hive_file(hive, path)->path[0] = '?';
}

static int fid_at(struct small_hive *hive, uint32_t fid)
{
    for (int i = 0; i < HIVE_FIDS; i++) {
        if (hive->fids[i].file >= 0 && hive->fids[i].fid == fid) {
            return i;
        }
    }
    return -1;
}

/* The strict profile's rule: fids count upwards and are never used again. */
static void add_fid(struct small_hive *hive, uint32_t fid, int file)
{
    int free = 0;

    CHECK(fid > hive->highest_fid);
    hive->highest_fid = fid;
    while (hive->fids[free].file >= 0) {
        CHECK(++free < HIVE_FIDS);
    }
    hive->fids[free].fid = fid;
    hive->fids[free].file = file;
    hive->fids[free].opened = false;
}

static void forget_fids(struct small_hive *hive)
{
    for (int i = 0; i < HIVE_FIDS; i++) {
        hive->fids[i].file = -1;
    }
}

static void attach(struct small_hive *hive, const uint8_t *request)
{
    const uint8_t *at = request + P9_HEADER + 8;
    size_t uname = load16(at), aname = load16(at + 2 + uname);

    snprintf(hive->uname, sizeof hive->uname, "%.*s", (int)uname, at + 2);
    snprintf(hive->aname, sizeof hive->aname, "%.*s", (int)aname, at + 4 + uname);
    if (hive->attach_error != 0) {
        refuse(hive, request, hive->attach_error);
        return;
    }
    add_fid(hive, load32(request + P9_HEADER), 0);
    reply(hive, request, "\x80\0\0\0\0\0\0\0\0\0\0\0\0", 13);
}

static void walk(struct small_hive *hive, const uint8_t *request, int from)
{
    const uint8_t *at = request + P9_HEADER + 8;
    unsigned names = load16(at), found = 0;
    uint8_t body[2 + 13 * 8] = {0};
    char path[200];
    int file = hive->fids[from].file;

    CHECK(names <= P9_DEPTH);
    strcpy(path, file == 0 ? "" : hive->files[file].path);
    at += 2;
    for (; found < names; found++) {
        strcat(path, "/");
        strncat(path, (const char *)at + 2, load16(at));
        at += 2 + load16(at);
        file = find(hive, path);
        if (file < 0) {
            break;
        }
    }
    if (found < names && found == 0) {
        refuse(hive, request, ENOENT);
        return;
    }
    if (found == names) {
        add_fid(hive, load32(request + P9_HEADER + 4), file);
    }
    store16(body, (uint16_t)found);
    reply(hive, request, body, 2 + 13 * found);
}

static size_t list(struct small_hive *hive, const struct hive_file *directory, uint64_t offset, uint8_t *body, size_t room)
{
    size_t used = 0, prefix = directory == hive->files ? 0 : strlen(directory->path);

    for (unsigned i = 1; i < hive->file_count; i++) {
        const char *path = hive->files[i].path;
        size_t length;

        if (strncmp(path, directory->path, prefix) != 0 || path[prefix] != '/' || strchr(path + prefix + 1, '/') != 0
            || i <= offset) {
            continue;
        }
        length = strlen(path + prefix + 1);
        if (used + 24 + length > room) {
            break;
        }
        memset(body + used, 0, 24);
        store64(body + used + 13, i);
        store16(body + used + 22, (uint16_t)length);
        memcpy(body + used + 24, path + prefix + 1, length);
        used += 24 + length;
    }
    return used;
}

static void read_file(struct small_hive *hive, const uint8_t *request, struct hive_file *file)
{
    static uint8_t body[P9_MSIZE];
    uint64_t offset = load64(request + P9_HEADER + 4);
    uint32_t count = load32(request + P9_HEADER + 12);
    size_t size;

    if (file->read_error != 0) {
        refuse(hive, request, file->read_error);
        return;
    }
    CHECK(count <= P9_PAYLOAD);
    CHECK(file->directory == (request[4] == P9_TREADDIR));
    if (file->directory) {
        size = list(hive, file, offset, body + 4, count);
    } else {
        size = offset >= file->size ? 0 : file->size - offset < count ? file->size - offset : count;
        memcpy(body + 4, file->content + offset, size);
    }
    store32(body, (uint32_t)size);
    reply(hive, request, body, 4 + size);
}

static void write_file(struct small_hive *hive, const uint8_t *request, struct hive_file *file)
{
    uint32_t count = load32(request + P9_HEADER + 12);
    const char *data = (const char *)request + P9_HEADER + 16;

    if (file->write_error != 0) {
        refuse(hive, request, file->write_error);
        return;
    }
    CHECK(file->size + count <= HIVE_CONTENT);
    memcpy(file->content + file->size, data, count);
    file->size += count;
    if (hive->on_write != 0) {
        hive->on_write(hive, file, data, count);
    }
    reply(hive, request, request + P9_HEADER + 12, 4);
}

static void serve_fid(struct small_hive *hive, const uint8_t *request)
{
    static const uint8_t zeros[153];
    int at = fid_at(hive, load32(request + P9_HEADER));

    if (at < 0) {
        refuse(hive, request, EINVAL);
        return;
    }
    struct hive_file *file = &hive->files[hive->fids[at].file];
    switch (request[4]) {
    case P9_TWALK:
        walk(hive, request, at);
        break;
    case P9_TLOPEN:
        hive->latest_flags = load32(request + P9_HEADER + 4);
        if (file->open_error != 0) {
            refuse(hive, request, file->open_error);
        } else {
            uint8_t body[17] = {file->directory ? P9_QT_DIR : P9_QT_APPEND};

            hive->fids[at].opened = true;
            reply(hive, request, body, sizeof body);
        }
        break;
    case P9_TREAD:
    case P9_TREADDIR:
        CHECK(hive->fids[at].opened);
        read_file(hive, request, file);
        break;
    case P9_TWRITE:
        CHECK(hive->fids[at].opened);
        write_file(hive, request, file);
        break;
    case P9_TGETATTR: {
        uint8_t body[153] = {0};
        store64(body, 0x27ff);
        store64(body + 145, file->base);
        store64(body + 49, file->size);
        reply(hive, request, body, sizeof body);
        break;
    }
    default:
        EQUAL(request[4], P9_TCLUNK);
        hive->fids[at].file = -1;
        reply(hive, request, zeros, 0);
    }
}

static void serve(struct fake_server *server, const uint8_t *request, size_t size)
{
    struct small_hive *hive = (struct small_hive *)server;

    if (hive->silent || request[4] == hive->silent_type) {
        return;
    }
    if (request[4] == P9_TVERSION) {
        forget_fids(hive);
        hive->highest_fid = 0;
        reply(hive, request, request + P9_HEADER, size - P9_HEADER);
    } else if (request[4] == P9_TATTACH) {
        attach(hive, request);
    } else {
        serve_fid(hive, request);
    }
}

static uint64_t now_ms(void *context)
{
    return ((struct small_hive *)context)->now_ms;
}

static void wait(void *context, bool (*done)(void *subject), void *subject, uint64_t deadline_ms)
{
    struct small_hive *hive = context;

    p9_client_poll(&hive->client, hive->now_ms);
    while (!done(subject) && hive->now_ms < deadline_ms) {
        hive->now_ms += 100;
        p9_client_poll(&hive->client, hive->now_ms);
    }
}

void hive_pass(struct small_hive *hive, uint64_t ms)
{
    for (uint64_t passed = 0; passed <= ms; passed += 50) {
        p9_client_poll(&hive->client, hive->now_ms);
        hive->now_ms += 50;
    }
    p9_client_poll(&hive->client, hive->now_ms);
}

void hive_begin(struct small_hive *hive)
{
    memset(hive, 0, sizeof *hive);
    fake_begin(&hive->server);
    hive->server.serve = serve;
    hive->host = (struct p9_host){now_ms, wait, hive};
    hive->now_ms = 1000;
    forget_fids(hive);
    hive_add(hive, "/", 0);
    p9_client_begin(&hive->client, &hive->server.transport, "queen", "");
    hive_pass(hive, 0);
    EQUAL(hive->client.state, P9_READY);
}

void hive_restart(struct small_hive *hive)
{
    forget_fids(hive);
    hive->server.reply_count = 0;
}

unsigned hive_open_fids(const struct small_hive *hive)
{
    unsigned count = 0;

    for (int i = 0; i < HIVE_FIDS; i++) {
        count += hive->fids[i].file >= 0;
    }
    return count;
}
