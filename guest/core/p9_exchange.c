#include "core/p9_exchange.h"

struct claim {
    struct p9_exchange *exchange;
    uint32_t generation;
    status result;
};

static bool claimed(void *subject)
{
    struct claim *claim = subject;
    struct p9_exchange *exchange = claim->exchange;

    claim->result = p9_client_claim(exchange->client, claim->generation, &exchange->slot, &exchange->tag);
    return claim->result.error != EBUSY;
}

status p9_exchange_begin(struct p9_exchange *exchange, struct p9_client *client, const struct p9_host *host,
                         uint32_t generation)
{
    struct claim claim = {.exchange = exchange, .generation = generation};

    *exchange = (struct p9_exchange){.client = client, .host = host};
    if (!claimed(&claim)) {
        host->wait(host->context, claimed, &claim, host->now_ms(host->context) + P9_REPLY_MS);
        claimed(&claim);
    }
    if (!failed(claim.result)) {
        exchange->frame = client->transport->request(client->transport, exchange->slot);
    }
    return claim.result;
}

static bool answered(void *subject)
{
    const struct p9_call *call = subject;

    return call->done;
}

status p9_exchange_end(struct p9_exchange *exchange, size_t size, struct p9_call *call)
{
    const struct p9_host *host = exchange->host;
    uint64_t now_ms = host->now_ms(host->context);
    status sent = p9_client_send(exchange->client, exchange->slot, exchange->tag, size, call, now_ms);

    if (failed(sent)) {
        return sent;
    }
    host->wait(host->context, answered, call, now_ms + P9_REPLY_MS);
    if (!call->done) {
        p9_client_give_up(exchange->client, call, status_error(ETIMEDOUT));
    }
    return call->result;
}
