#include "core/p9_file.h"

#include "bytes.h"

/* A file opened with P9_O_APPEND is written at its end whatever the offset. QEMU hands the offset to pwritev(2), which
 * refuses the 2^64 - 1 that would say so on the wire. */
#define AT_THE_END 0

status p9_tree_own(struct p9_tree *tree, struct p9_client *client, const struct p9_host *host, const char *export)
{
    *tree = (struct p9_tree){
        .client = client,
        .host = host,
        .export = export,
        .generation = client->generation,
        .fid = client->root,
    };
    return client->state == P9_READY ? status_ok() : status_error(ENOTCONN);
}

static status begin(struct p9_exchange *exchange, const struct p9_tree *tree)
{
    return p9_exchange_begin(exchange, tree->client, tree->host, tree->generation);
}

/* Nobody needs `fid` any more. What the hive says to that changes nothing. */
static void clunk(const struct p9_tree *tree, uint32_t fid)
{
    struct p9_call call = {.question = {P9_TCLUNK, 0}, .creates = P9_NOFID};
    struct p9_exchange exchange;
    status begun = begin(&exchange, tree);

    if (begun.error == EBUSY) {
        p9_client_orphan(tree->client, fid, tree->host->now_ms(tree->host->context));
    } else if (!failed(begun)) {
        p9_exchange_end(&exchange, p9_tclunk(exchange.frame, P9_MSIZE, exchange.tag, fid), &call);
    }
}

status p9_tree_attach(struct p9_tree *tree, const struct p9_tree *own, const char *uname, const char *aname)
{
    struct p9_call call = {.question = {P9_TATTACH, 0}};
    struct p9_exchange exchange;
    status begun = begin(&exchange, own);

    if (failed(begun)) {
        return begun;
    }
    *tree = *own;
    tree->fid = call.creates = p9_client_fid(own->client);
    return p9_exchange_end(&exchange,
                           p9_tattach(exchange.frame, P9_MSIZE, exchange.tag, tree->fid, uname, aname), &call);
}

void p9_tree_release(struct p9_tree *tree)
{
    clunk(tree, tree->fid);
}

static status walk(const struct p9_tree *tree, const char *text, size_t size, uint32_t *fid)
{
    struct p9_call call = {.question = {P9_TWALK, 0}};
    struct p9_path path = {.count = 0};
    struct p9_exchange exchange;
    status result = p9_path_add(&path, tree->export, strlen(tree->export));

    if (!failed(result)) {
        result = p9_path_add(&path, text, size);
    }
    if (!failed(result)) {
        result = begin(&exchange, tree);
    }
    if (failed(result)) {
        return result;
    }
    *fid = call.creates = p9_client_fid(tree->client);
    call.question.limit = path.count;
    result = p9_exchange_end(
        &exchange, p9_twalk(exchange.frame, P9_MSIZE, exchange.tag, tree->fid, *fid, &path), &call);
    if (!failed(result) && call.reply.count < path.count) {
        return status_error(ENOENT);
    }
    return result;
}

status p9_open(struct p9_file *file, const struct p9_tree *tree, const char *path, size_t size, uint32_t flags)
{
    struct p9_call call = {.question = {P9_TLOPEN, 0}, .creates = P9_NOFID};
    struct p9_exchange exchange;

    file->tree = *tree;
    status result = walk(tree, path, size, &file->fid);
    if (failed(result)) {
        return result;
    }
    result = begin(&exchange, tree);
    if (!failed(result)) {
        result = p9_exchange_end(
            &exchange, p9_tlopen(exchange.frame, P9_MSIZE, exchange.tag, file->fid, flags), &call);
    }
    if (failed(result)) {
        clunk(tree, file->fid);
    }
    file->qid = call.reply.qid;
    return result;
}

status p9_reach(const struct p9_tree *tree, const char *path, size_t size)
{
    uint32_t fid;
    status result = walk(tree, path, size, &fid);

    if (!failed(result)) {
        clunk(tree, fid);
    }
    return result;
}

status p9_explain(const struct p9_tree *tree, status result)
{
    status known = result.error == EINVAL ? p9_reach(tree, "", 0) : status_ok();

    return known.error == ENOTCONN ? known : result;
}

void p9_close(struct p9_file *file)
{
    clunk(&file->tree, file->fid);
}

static status read(struct p9_file *file, enum p9_type type, uint64_t offset, uint8_t *buffer, uint32_t room,
                   uint32_t *count)
{
    uint32_t payload = file->tree.client->payload;
    uint32_t wanted = room < payload ? room : payload;
    struct p9_call call = {.question = {type, wanted}, .into = buffer, .creates = P9_NOFID};
    struct p9_exchange exchange;
    status result = begin(&exchange, &file->tree);

    *count = 0;
    if (failed(result)) {
        return result;
    }
    result = p9_exchange_end(
        &exchange, p9_tread(exchange.frame, P9_MSIZE, type, exchange.tag, file->fid, offset, wanted), &call);
    *count = call.reply.count;
    return result;
}

status p9_read(struct p9_file *file, uint64_t offset, uint8_t *buffer, uint32_t room, uint32_t *count)
{
    return read(file, P9_TREAD, offset, buffer, room, count);
}

status p9_list(struct p9_file *file, uint64_t offset, uint8_t *buffer, uint32_t room, uint32_t *count)
{
    return read(file, P9_TREADDIR, offset, buffer, room, count);
}

status p9_append(struct p9_file *file, const void *data, size_t size)
{
    struct p9_call call = {.question = {P9_TWRITE, (uint32_t)size}, .creates = P9_NOFID};
    struct p9_exchange exchange;

    if (size > file->tree.client->payload) {
        return status_error(EMSGSIZE);
    }
    status result = begin(&exchange, &file->tree);
    if (failed(result)) {
        return result;
    }
    result = p9_exchange_end(
        &exchange,
        p9_twrite(exchange.frame, P9_MSIZE, exchange.tag, file->fid, AT_THE_END, data, (uint32_t)size), &call);
    if (!failed(result) && call.reply.count < size) {
        return status_error(EIO);
    }
    return result;
}

status p9_extent(struct p9_file *file, uint64_t *base, uint64_t *end)
{
    struct p9_call call = {.question = {P9_TGETATTR, 0}, .creates = P9_NOFID};
    struct p9_exchange exchange;
    status result = begin(&exchange, &file->tree);

    if (!failed(result)) {
        result = p9_exchange_end(
            &exchange, p9_tgetattr(exchange.frame, P9_MSIZE, exchange.tag, file->fid), &call);
    }
    *base = call.reply.base;
    *end = call.reply.size;
    return result;
}

status p9_append_to(const struct p9_tree *tree, const char *path, const void *data, size_t size)
{
    struct p9_file file;
    status result = p9_open(&file, tree, path, strlen(path), P9_WRONLY | P9_O_APPEND);

    if (!failed(result)) {
        result = p9_append(&file, data, size);
        p9_close(&file);
    }
    return result;
}
