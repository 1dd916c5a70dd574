/* The session and its failures: time limits, late replies, malformed replies, a hive that was restarted. */
#include <string.h>

#include "bytes.h"
#include "check.h"
#include "core/p9_client.h"
#include "fake_server.h"

static struct fake_server server;
static struct p9_client client;
static uint64_t now;

static void poll(uint64_t later_ms)
{
    now += later_ms;
    p9_client_poll(&client, now);
}

static void begin(void)
{
    fake_begin(&server);
    p9_client_begin(&client, &server.transport, "queen", "ticket");
    now = 1000;
}

static void accept(unsigned type)
{
    struct fake_request request = fake_take(&server, type);

    fake_accept(&server, &request);
    poll(0);
}

static void make_session(void)
{
    begin();
    poll(0);
    accept(P9_TVERSION);
    accept(P9_TATTACH);
    EQUAL(client.state, P9_READY);
}

/* Put a Tclunk of `fid` on its way in `call`. */
static status clunk(struct p9_call *call, uint32_t fid)
{
    unsigned slot;
    uint16_t tag;
    status claimed = p9_client_claim(&client, client.generation, &slot, &tag);

    if (failed(claimed)) {
        return claimed;
    }
    *call = (struct p9_call){.question = {P9_TCLUNK, 0}, .creates = P9_NOFID};
    return p9_client_send(&client, slot, tag, p9_tclunk(server.transport.request(&server.transport, slot), P9_MSIZE, tag, fid),
                          call, now);
}

static void walk(struct p9_call *call, uint32_t fid)
{
    struct p9_path path = {.count = 0};
    unsigned slot;
    uint16_t tag;

    RESULT(p9_path_add(&path, "/a", 2), 0);
    RESULT(p9_client_claim(&client, client.generation, &slot, &tag), 0);
    *call = (struct p9_call){.question = {P9_TWALK, 1}, .creates = fid};
    uint8_t *frame = server.transport.request(&server.transport, slot);
    RESULT(p9_client_send(&client, slot, tag, p9_twalk(frame, P9_MSIZE, tag, client.root, fid, &path), call, now), 0);
}

TEST(test_the_session_is_made_by_version_and_attach)
{
    begin();
    RESULT(client.down_because, ENOTCONN);
    poll(0);
    struct fake_request version = fake_take(&server, P9_TVERSION);
    EQUAL(fake_tag(&version), P9_NOTAG);
    EQUAL(load32(version.bytes + 7), P9_MSIZE);
    fake_accept(&server, &version);
    poll(0);
    struct fake_request attach = fake_take(&server, P9_TATTACH);
    EQUAL(load16(attach.bytes + 15), 5);
    CHECK(memcmp(attach.bytes + 17, "queen\x06\0ticket", 13) == 0);
    fake_accept(&server, &attach);
    poll(0);
    EQUAL(client.state, P9_READY);
    EQUAL(client.generation, 1);
    EQUAL(client.payload, P9_PAYLOAD);
    RESULT(client.down_because, 0);
}

TEST(test_a_smaller_msize_is_kept_to)
{
    begin();
    poll(0);
    struct fake_request version = fake_take(&server, P9_TVERSION);
    fake_reply(&server, P9_TVERSION + 1, P9_NOTAG, "\0\x04\0\0\x08\0"
                                                   "9P2000.L", 14);
    poll(0);
    accept(P9_TATTACH);
    EQUAL(client.payload, 1024 - P9_IO_OVERHEAD);
    (void)version;
}

TEST(test_another_dialect_is_no_session)
{
    begin();
    poll(0);
    fake_reply(&server, P9_TVERSION + 1, P9_NOTAG, "\0\x20\0\0\x07\0unknown", 13);
    poll(0);
    EQUAL(client.state, P9_DOWN);
    RESULT(client.down_because, EPROTO);
    EQUAL(client.counters.malformed, 1);
}

TEST(test_nothing_is_sent_without_a_session)
{
    struct p9_call call;

    begin();
    RESULT(clunk(&call, 5), ENOTCONN);
    poll(0);
    RESULT(clunk(&call, 5), ENOTCONN);
}

TEST(test_replies_are_matched_by_tag_in_any_order)
{
    struct p9_call one, other;

    make_session();
    RESULT(clunk(&one, 10), 0);
    RESULT(clunk(&other, 11), 0);
    RESULT(clunk(&other, 12), EBUSY);
    struct fake_request first = fake_take(&server, P9_TCLUNK), second = fake_take(&server, P9_TCLUNK);
    CHECK(fake_tag(&first) != fake_tag(&second));
    fake_refuse(&server, &second, EBADF);
    poll(0);
    CHECK(!one.done && other.done);
    RESULT(other.result, EBADF);
    fake_accept(&server, &first);
    poll(0);
    CHECK(one.done);
    RESULT(one.result, 0);
}

TEST(test_data_is_copied_to_whoever_asked)
{
    uint8_t buffer[4] = "zzzz";
    struct p9_call call = {.question = {P9_TREAD, 3}, .into = buffer, .creates = P9_NOFID};
    unsigned slot;
    uint16_t tag;

    make_session();
    RESULT(p9_client_claim(&client, client.generation, &slot, &tag), 0);
    uint8_t *frame = server.transport.request(&server.transport, slot);
    RESULT(p9_client_send(&client, slot, tag, p9_tread(frame, P9_MSIZE, P9_TREAD, tag, 2, 0, 3), &call, now), 0);
    fake_reply(&server, P9_TREAD + 1, tag, "\2\0\0\0ab", 6);
    poll(0);
    RESULT(call.result, 0);
    EQUAL(call.reply.count, 2);
    EQUAL_BYTES((char *)buffer, 4, "abzz");
}

TEST(test_tags_skip_notag_and_those_in_use)
{
    struct p9_call slow, call;

    make_session();
    client.slots.next_tag = 0xfffd;
    RESULT(clunk(&slow, 10), 0);
    struct fake_request first = fake_take(&server, P9_TCLUNK);
    EQUAL(fake_tag(&first), 0xfffe);
    RESULT(clunk(&call, 11), 0);
    struct fake_request second = fake_take(&server, P9_TCLUNK);
    EQUAL(fake_tag(&second), 0);
    fake_accept(&server, &second);
    poll(0);
    client.slots.next_tag = 0xfffd;
    RESULT(clunk(&call, 12), 0);
    struct fake_request third = fake_take(&server, P9_TCLUNK);
    EQUAL(fake_tag(&third), 0);
}

TEST(test_an_unanswered_request_times_out_and_its_late_reply_is_thrown_away)
{
    struct p9_call slow, call;

    make_session();
    RESULT(clunk(&slow, 10), 0);
    poll(P9_REPLY_MS - 1);
    CHECK(!slow.done);
    poll(1);
    CHECK(slow.done);
    RESULT(slow.result, ETIMEDOUT);
    EQUAL(client.state, P9_READY);
    EQUAL(client.counters.timeouts, 1);

    RESULT(clunk(&call, 11), 0);
    RESULT(clunk(&slow, 12), EBUSY); /* the first slot is still waited for */
    struct fake_request first = fake_take(&server, P9_TCLUNK), second = fake_take(&server, P9_TCLUNK);
    fake_accept(&server, &first);
    poll(0);
    EQUAL(client.counters.late, 1);
    CHECK(!call.done);
    fake_accept(&server, &second);
    poll(0);
    CHECK(call.done);
    RESULT(clunk(&slow, 12), 0);
}

TEST(test_a_fid_made_by_a_late_walk_is_clunked)
{
    struct p9_call slow;
    uint32_t fid;

    make_session();
    fid = p9_client_fid(&client);
    walk(&slow, fid);
    poll(P9_REPLY_MS);
    RESULT(slow.result, ETIMEDOUT);
    struct fake_request request = fake_take(&server, P9_TWALK);
    fake_accept(&server, &request);
    poll(0);
    struct fake_request clunked = fake_take(&server, P9_TCLUNK);
    EQUAL(load32(clunked.bytes + P9_HEADER), fid);
    fake_accept(&server, &clunked);
    poll(0);
    EQUAL(client.orphan_count, 0);
}

TEST(test_a_late_refusal_of_a_walk_leaves_nothing_to_clunk)
{
    struct p9_call slow;

    make_session();
    walk(&slow, p9_client_fid(&client));
    poll(P9_REPLY_MS);
    struct fake_request request = fake_take(&server, P9_TWALK);
    fake_refuse(&server, &request, ENOENT);
    poll(0);
    EQUAL(server.sent_count, 0);
}

TEST(test_a_transport_that_keeps_a_request_too_long_is_restarted)
{
    struct p9_call call;

    make_session();
    RESULT(clunk(&call, 10), 0);
    poll(P9_REPLY_MS);
    EQUAL(client.state, P9_READY);
    poll(server.transport.patience_ms - P9_REPLY_MS);
    EQUAL(client.state, P9_DOWN);
    RESULT(client.down_because, ETIMEDOUT);
    poll(P9_RETRY_FIRST_MS);
    EQUAL(server.restarts, 2);
    accept(P9_TVERSION);
    accept(P9_TATTACH);
    EQUAL(client.generation, 2);
}

TEST(test_a_lost_session_ends_every_request_and_voids_its_generation)
{
    struct p9_call one, other;
    uint32_t before;
    unsigned slot;
    uint16_t tag;

    make_session();
    before = client.generation;
    RESULT(clunk(&one, 10), 0);
    RESULT(clunk(&other, 11), 0);
    server.receive_fails = true;
    poll(0);
    RESULT(one.result, ENOTCONN);
    RESULT(other.result, ENOTCONN);
    RESULT(client.down_because, ENXIO);
    server.receive_fails = false;
    poll(P9_RETRY_FIRST_MS);
    accept(P9_TVERSION);
    accept(P9_TATTACH);
    EQUAL(client.state, P9_READY);
    RESULT(p9_client_claim(&client, before, &slot, &tag), ENOTCONN);
}

TEST(test_fids_are_never_used_twice)
{
    make_session();
    uint32_t first = p9_client_fid(&client), root = client.root;
    CHECK(first > root);
    p9_client_down(&client, status_error(EIO), now);
    poll(P9_RETRY_FIRST_MS);
    accept(P9_TVERSION);
    accept(P9_TATTACH);
    CHECK(client.root > first);
    CHECK(p9_client_fid(&client) > client.root);
}

TEST(test_fid_numbers_start_over_only_with_a_new_session)
{
    make_session();
    client.next_fid = P9_NOFID - 1;
    poll(0);
    EQUAL(client.state, P9_DOWN);
    poll(P9_RETRY_FIRST_MS);
    accept(P9_TVERSION);
    accept(P9_TATTACH);
    EQUAL(client.root, 1);
}

TEST(test_a_failing_device_is_tried_with_growing_pauses)
{
    begin();
    server.restart_fails = true;
    poll(0);
    EQUAL(server.restarts, 1);
    for (uint64_t pause = P9_RETRY_FIRST_MS; pause < P9_RETRY_MOST_MS; pause *= 2) {
        unsigned before = server.restarts;

        EQUAL(p9_client_deadline(&client), now + pause);
        poll(pause - 1);
        EQUAL(server.restarts, before);
        poll(1);
        EQUAL(server.restarts, before + 1);
    }
    poll(P9_RETRY_MOST_MS);
    EQUAL(p9_client_deadline(&client), now + P9_RETRY_MOST_MS);
    server.restart_fails = false;
    poll(P9_RETRY_MOST_MS);
    EQUAL(client.state, P9_NEGOTIATING);
}

TEST(test_a_hive_that_does_not_answer_the_version_is_asked_again)
{
    begin();
    poll(0);
    EQUAL(p9_client_deadline(&client), now + P9_REPLY_MS);
    poll(P9_REPLY_MS);
    EQUAL(client.state, P9_DOWN);
    poll(P9_RETRY_FIRST_MS);
    accept(P9_TVERSION);
    accept(P9_TATTACH);
    EQUAL(client.state, P9_READY);
}

TEST(test_a_refused_attach_keeps_its_errno_and_is_not_repeated_soon)
{
    begin();
    poll(0);
    accept(P9_TVERSION);
    struct fake_request attach = fake_take(&server, P9_TATTACH);
    fake_refuse(&server, &attach, EPERM);
    poll(0);
    EQUAL(client.state, P9_DOWN);
    CHECK(client.refused);
    RESULT(client.down_because, EPERM);
    poll(P9_REFUSED_RETRY_MS - 1);
    EQUAL(client.state, P9_DOWN);
    poll(1);
    EQUAL(client.state, P9_NEGOTIATING);
}

TEST(test_a_send_that_fails_ends_the_session)
{
    struct p9_call call;

    make_session();
    server.send_fails = true;
    RESULT(clunk(&call, 10), ENXIO);
    EQUAL(client.state, P9_DOWN);
}

TEST(test_a_message_that_did_not_fit_is_not_sent)
{
    struct p9_call call = {.question = {P9_TCLUNK, 0}, .creates = P9_NOFID};
    unsigned slot;
    uint16_t tag;

    make_session();
    RESULT(p9_client_claim(&client, client.generation, &slot, &tag), 0);
    RESULT(p9_client_send(&client, slot, tag, 0, &call, now), EMSGSIZE);
    EQUAL(client.state, P9_READY);
    EQUAL(server.sent_count, 0);
}

TEST(test_a_malformed_reply_fails_its_request_only)
{
    struct p9_call call;

    make_session();
    RESULT(clunk(&call, 10), 0);
    struct fake_request request = fake_take(&server, P9_TCLUNK);
    fake_reply(&server, P9_TCLUNK + 1, fake_tag(&request), "tail", 4);
    poll(0);
    RESULT(call.result, EPROTO);
    EQUAL(client.counters.malformed, 1);
    EQUAL(client.state, P9_READY);
}

TEST(test_bytes_that_are_no_frame_end_the_session)
{
    static const uint8_t frames[][8] = {{3}, {7, 0, 0, 0, 121}, {9, 0, 0, 0, 121, 0, 0}};

    for (size_t i = 0; i < ARRAY_LENGTH(frames); i++) {
        make_session();
        fake_bytes(&server, frames[i], i == 0 ? 3 : i == 1 ? 5 : 7);
        poll(0);
        EQUAL(client.state, P9_DOWN);
        RESULT(client.down_because, EPROTO);
    }
}

TEST(test_a_reply_nobody_asked_for_is_thrown_away)
{
    make_session();
    fake_reply(&server, P9_TCLUNK + 1, 4711, "", 0);
    poll(0);
    EQUAL(client.state, P9_READY);
    EQUAL(client.counters.late, 1);
}

TEST(test_a_hive_that_does_not_know_the_session_is_found_out)
{
    struct p9_call call;

    make_session();
    RESULT(clunk(&call, 10), 0);
    struct fake_request request = fake_take(&server, P9_TCLUNK);
    fake_refuse(&server, &request, EINVAL);
    poll(0);
    RESULT(call.result, EINVAL);
    RESULT(clunk(&call, 11), EBUSY); /* not before the probe has told */
    struct fake_request probe = fake_take(&server, P9_TGETATTR);
    EQUAL(load32(probe.bytes + P9_HEADER), client.root);
    fake_refuse(&server, &probe, EINVAL);
    poll(0);
    EQUAL(client.state, P9_DOWN);
    poll(P9_RETRY_FIRST_MS);
    accept(P9_TVERSION);
    accept(P9_TATTACH);
    EQUAL(client.generation, 2);
}

TEST(test_an_honest_refusal_leaves_the_session_alone)
{
    struct p9_call call;

    make_session();
    RESULT(clunk(&call, 10), 0);
    struct fake_request request = fake_take(&server, P9_TCLUNK);
    fake_refuse(&server, &request, EINVAL);
    poll(0);
    accept(P9_TGETATTR);
    EQUAL(client.state, P9_READY);
    EQUAL(client.generation, 1);
    RESULT(clunk(&call, 11), 0);
}

TEST(test_errors_are_not_doubted_where_the_identity_does_not_travel)
{
    struct p9_call call;

    make_session();
    server.transport.carries_identity = false;
    RESULT(clunk(&call, 10), 0);
    struct fake_request request = fake_take(&server, P9_TCLUNK);
    fake_refuse(&server, &request, EINVAL);
    poll(0);
    EQUAL(server.sent_count, 0);
}

TEST(test_too_many_fids_are_cured_by_a_new_session)
{
    struct p9_call call;

    make_session();
    RESULT(clunk(&call, 10), 0);
    struct fake_request request = fake_take(&server, P9_TCLUNK);
    fake_refuse(&server, &request, EMFILE);
    poll(0);
    RESULT(call.result, EMFILE);
    EQUAL(client.state, P9_DOWN);
}

TEST(test_more_orphans_than_are_remembered_end_the_session)
{
    make_session();
    for (unsigned i = 0; i < P9_ORPHANS; i++) {
        p9_client_orphan(&client, 100 + i, now);
        EQUAL(client.state, P9_READY);
    }
    p9_client_orphan(&client, 200, now);
    EQUAL(client.state, P9_DOWN);
    EQUAL(client.orphan_count, 0);
}

TEST(test_orphans_are_clunked_one_after_the_other)
{
    make_session();
    p9_client_orphan(&client, 100, now);
    p9_client_orphan(&client, 101, now);
    poll(0);
    accept(P9_TCLUNK);
    accept(P9_TCLUNK);
    EQUAL(server.sent_count, 0);
    EQUAL(client.orphan_count, 0);
}
