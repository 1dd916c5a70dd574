#include "core/attach.h"

#include "bytes.h"
#include "core/ticket.h"
#include "format.h"

#define CONTROL "/queen/ctl"

void attach_begin(struct attach *attach, struct p9_client *client, const struct p9_host *host, const char *export)
{
    *attach = (struct attach){.client = client, .host = host, .export = export};
}

void attach_end(struct attach *attach)
{
    if (attach->attached && p9_client_carries_identity(attach->client)) {
        p9_tree_release(&attach->tree);
    }
    attach->attached = attach->queen = false;
    memset(attach->ticket, 0, sizeof attach->ticket);
}

/* Index of `role` in the manifest's table, whose first is the queen; the length of the table if it is none. */
static unsigned role_index(struct word role)
{
    unsigned index = 0;

    while (index < NINEDOOR_TICKET_ROLES_COUNT
           && (strlen(ninedoor_ticket_roles[index]) != role.size
               || memcmp(ninedoor_ticket_roles[index], role.at, role.size) != 0)) {
        index++;
    }
    return index;
}

/* -- through a transport that carries identities ------------------------------------------------------------------- */

static status take_tree(struct attach *attach, const char *uname, const char *ticket, struct p9_tree *tree)
{
    struct p9_tree own;
    status result = p9_tree_own(&own, attach->client, attach->host, attach->export);

    return failed(result) ? result : p9_explain(&own, p9_tree_attach(tree, &own, uname, ticket));
}

static status present_to_hive(struct attach *attach, unsigned role, struct word ticket, struct p9_tree *tree)
{
    char uname[ATTACH_UNAME], presented[GRAMMAR_TICKET + 1];
    struct ticket claims = {.role = 0};
    bool is_queen = role == 0;

    text_format(presented, sizeof presented, "%.*s", (int)ticket.size, ticket.size > 0 ? ticket.at : "");
    if (!is_queen && (!ticket_read(ticket.at, ticket.size, &claims) || claims.subject[0] == '\0')) {
        return status_error(EPERM); /* a worker is named by its ticket */
    }
    text_format(uname, sizeof uname, is_queen ? "%s" : "%s:%s", ninedoor_ticket_roles[role], claims.subject);
    status result = take_tree(attach, uname, presented, tree);
    if (!failed(result)) {
        attach_end(attach);
        memcpy(attach->uname, uname, sizeof uname);
        memcpy(attach->ticket, presented, sizeof presented);
    }
    return result;
}

/* -- through QEMU's server ----------------------------------------------------------------------------------------- */

static status probe_mount(struct attach *attach, unsigned role, struct word ticket, struct p9_tree *tree)
{
    bool is_queen = role == 0;

    if (attach->client->transport == 0) {
        return status_error(ENOTCONN);
    }
    if (ticket.size > 0) {
        return status_error(EOPNOTSUPP); /* nobody could verify it */
    }
    status result = p9_tree_own(tree, attach->client, attach->host, attach->export);
    if (failed(result)) {
        return result;
    }
    status reached = p9_reach(tree, CONTROL, sizeof CONTROL - 1);
    bool refused = reached.error == EPERM || reached.error == EACCES || reached.error == ENOENT;
    if (failed(reached) && !refused) {
        return reached;
    }
    return is_queen == refused ? status_error(EPERM) : status_ok();
}

/* -- the verb ------------------------------------------------------------------------------------------------------ */

static void deny(struct acknowledgement *ack, const char *reason, const char *detail)
{
    ack_err(ack, "ATTACH", reason);
    ack_text(ack, "detail", detail);
}

static void hold_off(struct acknowledgement *ack, struct denial denial)
{
    deny(ack, "quota", denial.detail);
    ack_number(ack, "delay_ms", denial.delay_ms);
}

static bool has_expired(struct word ticket, uint64_t unix_ms)
{
    struct ticket claims;

    return ticket.size > 0 && ticket_read(ticket.at, ticket.size, &claims) && claims.expires
           && unix_ms >= claims.expires_at_ms;
}

/* A credential was looked at and found wrong: it counts. */
static void fail(struct attach *attach, struct acknowledgement *ack, const char *reason, const char *detail)
{
    struct denial denial = throttle_failed(&attach->throttle, attach->host->now_ms(attach->host->context));

    if (denial.detail != 0) {
        hold_off(ack, denial);
    } else {
        deny(ack, reason, detail);
    }
}

/* Errors that are the fault of whoever attaches. */
static bool is_wrong(status result)
{
    return result.error == EPERM || result.error == EACCES || result.error == EINVAL || result.error == ENOENT;
}

static void succeed(struct attach *attach, unsigned role, const struct p9_tree *tree, struct acknowledgement *ack)
{
    throttle_succeeded(&attach->throttle);
    attach->refused_in_a_row = 0;
    attach->attached = true;
    attach->queen = role == 0;
    attach->tree = *tree;
    ack_ok(ack, "ATTACH");
    ack_text(ack, "role", ninedoor_ticket_roles[role]);
}

/* Let the hive, or the mount, decide. */
static status decide(struct attach *attach, unsigned role, struct word ticket, uint64_t unix_ms,
                     struct acknowledgement *ack, char reason[ATTACH_REASON])
{
    bool carried = p9_client_carries_identity(attach->client);
    struct p9_tree tree;
    status result = carried ? present_to_hive(attach, role, ticket, &tree)
                            : probe_mount(attach, role, ticket, &tree);

    if (!failed(result)) {
        succeed(attach, role, &tree, ack);
        return result;
    }
    if (is_wrong(result)) {
        bool expired = has_expired(ticket, unix_ms);

        fail(attach, ack, expired ? "quota" : "policy", expired ? "expired" : "denied");
    } else {
        ack_refusal(ack, "ATTACH", result, (struct word){0});
    }
    if (!carried && is_wrong(result)) { /* where it is carried, the hive has logged it */
        text_format(reason, ATTACH_REASON, "the mount is not of role %s", ninedoor_ticket_roles[role]);
    } else if (result.error == EOPNOTSUPP) {
        text_format(reason, ATTACH_REASON, "tickets do not travel over %s", attach->client->transport->name);
    }
    return result;
}

static status admit(struct attach *attach, struct word role, struct word ticket, uint64_t unix_ms,
                    struct acknowledgement *ack, char reason[ATTACH_REASON])
{
    struct denial denial = throttle_check(&attach->throttle, attach->host->now_ms(attach->host->context));
    unsigned index = role_index(role);

    reason[0] = '\0';
    if (denial.detail != 0) {
        hold_off(ack, denial);
        text_format(reason, ATTACH_REASON, "%s delay_ms=%lu", denial.detail, (unsigned long)denial.delay_ms);
        return status_error(EAGAIN);
    }
    if (index == NINEDOOR_TICKET_ROLES_COUNT) {
        fail(attach, ack, "policy", "invalid-role");
        text_format(reason, ATTACH_REASON, "invalid role '%.*s'", (int)role.size, role.at);
        return status_error(EPERM);
    }
    return decide(attach, index, ticket, unix_ms, ack, reason);
}

status attach_present(struct attach *attach, struct word role, struct word ticket, uint64_t unix_ms,
                      struct acknowledgement *ack, char reason[ATTACH_REASON])
{
    status result = admit(attach, role, ticket, unix_ms, ack, reason);

    if (failed(result) && ++attach->refused_in_a_row >= ATTACH_ATTEMPTS) {
        attach->refused_in_a_row = 0;
        attach_end(attach);
    }
    return result;
}

status attach_tree(struct attach *attach, struct p9_tree *tree)
{
    status result = status_ok();

    if (!attach->attached) {
        return status_error(EPERM);
    }
    if (!p9_client_carries_identity(attach->client)) {
        result = p9_tree_own(&attach->tree, attach->client, attach->host, attach->export);
    } else if (attach->tree.generation != attach->client->generation) {
        result = take_tree(attach, attach->uname, attach->ticket, &attach->tree);
    }
    *tree = attach->tree;
    return result;
}
