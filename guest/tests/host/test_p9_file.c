/* Files over a session: what is opened is closed again whatever happens, and every errno arrives as it is. */
#include <string.h>

#include "check.h"
#include "small_hive.h"

static struct small_hive hive;
static struct p9_tree root;
static struct p9_file file;

static void begin(void)
{
    hive_begin(&hive);
    hive_add(&hive, "/proc", 0);
    hive_add(&hive, "/proc/boot", "one\ntwo\n");
    hive_add(&hive, "/log", 0);
    hive_add(&hive, "/log/queen.log", "");
    RESULT(p9_tree_own(&root, &hive.client, &hive.host, ""), 0);
}

static status open_path(const char *path, uint32_t flags)
{
    return p9_open(&file, &root, path, strlen(path), flags);
}

TEST(test_a_file_is_read_to_its_end)
{
    uint8_t buffer[5];
    uint32_t count;

    begin();
    RESULT(open_path("/proc/boot", P9_RDONLY), 0);
    RESULT(p9_read(&file, 0, buffer, sizeof buffer, &count), 0);
    EQUAL_BYTES((char *)buffer, count, "one\nt");
    RESULT(p9_read(&file, 5, buffer, sizeof buffer, &count), 0);
    EQUAL_BYTES((char *)buffer, count, "wo\n");
    RESULT(p9_read(&file, 8, buffer, sizeof buffer, &count), 0);
    EQUAL(count, 0);
    p9_close(&file);
    EQUAL(hive_open_fids(&hive), 1);
}

TEST(test_a_read_is_no_larger_than_a_frame)
{
    static uint8_t buffer[2 * P9_MSIZE];
    uint32_t count;

    begin();
    struct hive_file *boot = hive_file(&hive, "/proc/boot");
    memset(boot->content, 'x', HIVE_CONTENT);
    boot->size = HIVE_CONTENT;
    RESULT(open_path("/proc/boot", P9_RDONLY), 0);
    RESULT(p9_read(&file, 0, buffer, sizeof buffer, &count), 0);
    EQUAL(count, P9_PAYLOAD);
}

TEST(test_an_append_travels_whole)
{
    begin();
    RESULT(p9_append_to(&root, "/log/queen.log", "hello\n", 6), 0);
    EQUAL_BYTES(hive_file(&hive, "/log/queen.log")->content, 6, "hello\n");
    EQUAL(hive.latest_flags, P9_WRONLY | P9_O_APPEND);
    EQUAL(hive_open_fids(&hive), 1);
    static char large[P9_PAYLOAD + 1];
    RESULT(p9_append_to(&root, "/log/queen.log", large, sizeof large), EMSGSIZE);
    EQUAL(hive_open_fids(&hive), 1);
}

TEST(test_a_directory_is_listed_in_pieces)
{
    uint8_t buffer[40];
    char names[100] = "";
    uint64_t offset = 0;
    uint32_t count;

    begin();
    RESULT(open_path("/", P9_RDONLY | P9_O_DIRECTORY), 0);
    do {
        struct p9_entry entry;

        RESULT(p9_list(&file, offset, buffer, sizeof buffer, &count), 0);
        struct p9_reader reader = {.at = buffer, .left = count};
        while (p9_next_entry(&reader, &entry)) {
            strncat(names, entry.name, entry.size);
            strcat(names, " ");
            offset = entry.offset;
        }
        CHECK(!reader.bad);
    } while (count > 0);
    EQUAL_TEXT(names, "proc log ");
}

TEST(test_the_size_of_a_file_is_told)
{
    uint64_t base, size;

    begin();
    RESULT(open_path("/proc/boot", P9_RDONLY), 0);
    hive_file(&hive, "/proc/boot")->base = 3;
    RESULT(p9_extent(&file, &base, &size), 0);
    EQUAL(base, 3);
    EQUAL(size, 8);
}

TEST(test_every_refusal_arrives_as_it_is_and_leaves_no_fid)
{
    static const unsigned errors[] = {EPERM, ENOENT, EIO, EACCES, EBUSY, EINVAL, ENOSPC, EMSGSIZE, ENOTCONN, ESTALE, EDQUOT};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        begin();
        struct hive_file *log = hive_file(&hive, "/log/queen.log");
        log->open_error = errors[i];
        RESULT(p9_append_to(&root, "/log/queen.log", "x", 1), errors[i]);
        EQUAL(hive_open_fids(&hive), 1);
        log->open_error = 0;
        log->write_error = errors[i];
        RESULT(p9_append_to(&root, "/log/queen.log", "x", 1), errors[i]);
        EQUAL(hive_open_fids(&hive), 1);
    }
}

TEST(test_a_missing_name_is_enoent_however_the_server_says_so)
{
    begin();
    RESULT(open_path("/missing", P9_RDONLY), ENOENT);
    RESULT(open_path("/proc/missing", P9_RDONLY), ENOENT); /* this server answers with a shorter walk */
    EQUAL(hive_open_fids(&hive), 1);
}

TEST(test_bad_paths_are_refused_before_anything_is_sent)
{
    begin();
    unsigned long before = hive.server.total;
    RESULT(open_path("/proc/../log", P9_RDONLY), EINVAL);
    RESULT(open_path("/1/2/3/4/5/6/7/8/9", P9_RDONLY), EINVAL);
    RESULT(open_path("proc", P9_RDONLY), EINVAL);
    EQUAL(hive.server.total, before);
}

TEST(test_paths_begin_at_the_hive_inside_the_export)
{
    begin();
    hive_add(&hive, "/hive", 0);
    hive_add(&hive, "/hive/x", "inside");
    RESULT(p9_tree_own(&root, &hive.client, &hive.host, "/hive"), 0);
    RESULT(open_path("/x", P9_RDONLY), 0);
    RESULT(open_path("/proc", P9_RDONLY), ENOENT);
}

TEST(test_another_ticket_is_another_tree)
{
    struct p9_tree other;

    begin();
    RESULT(p9_tree_attach(&other, &root, "worker-heartbeat:worker-1", "ticket-text"), 0);
    EQUAL_TEXT(hive.uname, "worker-heartbeat:worker-1");
    EQUAL_TEXT(hive.aname, "ticket-text");
    RESULT(p9_reach(&other, "/proc/boot", 10), 0);
    EQUAL(hive_open_fids(&hive), 2);
    p9_tree_release(&other);
    EQUAL(hive_open_fids(&hive), 1);
    hive.attach_error = EPERM;
    RESULT(p9_tree_attach(&other, &root, "queen", "bad"), EPERM);
    RESULT(p9_reach(&root, "/proc/boot", 10), 0);
}

TEST(test_a_silent_hive_costs_one_time_limit_and_no_more)
{
    uint64_t before;

    begin();
    hive.silent = true;
    before = hive.now_ms;
    RESULT(open_path("/proc/boot", P9_RDONLY), ETIMEDOUT);
    EQUAL(hive.now_ms - before, P9_REPLY_MS);
}

TEST(test_a_walk_answered_too_late_leaves_no_fid)
{
    begin();
    hive.silent_type = P9_TWALK;
    RESULT(open_path("/proc/boot", P9_RDONLY), ETIMEDOUT);
    hive.silent_type = 0;
    /* the late answer: the server made the fid */
    hive.server.serve(&hive.server, hive.server.buffers[0], 30);
    EQUAL(hive_open_fids(&hive), 2);
    hive_pass(&hive, 100);
    EQUAL(hive_open_fids(&hive), 1);
    RESULT(open_path("/proc/boot", P9_RDONLY), 0);
}

TEST(test_no_slot_within_the_time_limit_is_ebusy)
{
    begin();
    hive.server.transport.patience_ms = 100000;
    hive.silent = true;
    RESULT(open_path("/proc/boot", P9_RDONLY), ETIMEDOUT);
    RESULT(open_path("/proc/boot", P9_RDONLY), ETIMEDOUT);
    RESULT(open_path("/proc/boot", P9_RDONLY), EBUSY);
}

TEST(test_files_of_a_lost_session_answer_enotconn_and_the_next_one_works)
{
    uint8_t buffer[8];
    uint32_t count;

    begin();
    RESULT(open_path("/proc/boot", P9_RDONLY), 0);
    hive_restart(&hive);
    RESULT(p9_read(&file, 0, buffer, sizeof buffer, &count), EINVAL); /* what a hive says that knows no such session */
    hive_pass(&hive, 2000);
    EQUAL(hive.client.generation, 2);
    RESULT(p9_read(&file, 0, buffer, sizeof buffer, &count), ENOTCONN);
    p9_close(&file);
    RESULT(p9_reach(&root, "/proc", 5), ENOTCONN);
    RESULT(p9_tree_own(&root, &hive.client, &hive.host, ""), 0);
    RESULT(p9_reach(&root, "/proc", 5), 0);
}

TEST(test_a_short_write_is_an_error)
{
    begin();
    RESULT(open_path("/log/queen.log", P9_WRONLY | P9_O_APPEND), 0);
    hive.silent_type = P9_TWRITE; /* the reply is made by hand: one byte of two was taken */
    fake_reply(&hive.server, P9_TWRITE + 1, (uint16_t)(hive.client.slots.next_tag + 1), "\1\0\0\0", 4);
    RESULT(p9_append(&file, "ab", 2), EIO);
}
