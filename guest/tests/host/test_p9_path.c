/* Red lines of paths: nothing that breaks them is ever sent. */
#include <string.h>

#include "check.h"
#include "core/p9_path.h"

static unsigned refused(const char *text, size_t size)
{
    struct p9_path path = {.count = 0};

    return p9_path_add(&path, text, size).error;
}

#define REFUSED(text) refused(text, sizeof(text) - 1)

TEST(test_names_are_found)
{
    struct p9_path path = {.count = 0};

    RESULT(p9_path_add(&path, "/proc/boot", 10), 0);
    EQUAL(path.count, 2);
    EQUAL_BYTES(path.names[0].at, path.names[0].size, "proc");
    EQUAL_BYTES(path.names[1].at, path.names[1].size, "boot");
}

TEST(test_the_root_has_no_names)
{
    EQUAL(REFUSED("/"), 0);
    EQUAL(REFUSED(""), 0);
}

TEST(test_empty_names_do_not_count)
{
    struct p9_path path = {.count = 0};

    RESULT(p9_path_add(&path, "//log///queen.log//", 19), 0);
    EQUAL(path.count, 2);
    EQUAL_BYTES(path.names[1].at, path.names[1].size, "queen.log");
}

TEST(test_walk_refuses_dots_and_nul)
{
    EQUAL(REFUSED("/a/../b"), EINVAL);
    EQUAL(REFUSED("/.."), EINVAL);
    EQUAL(REFUSED("/."), EINVAL);
    EQUAL(REFUSED("/a/."), EINVAL);
    EQUAL(REFUSED("/a\0b"), EINVAL);
    EQUAL(REFUSED("a/b"), EINVAL);
    EQUAL(REFUSED("/..."), 0);
    EQUAL(REFUSED("/.a"), 0);
}

TEST(test_walk_refuses_a_ninth_name)
{
    EQUAL(REFUSED("/1/2/3/4/5/6/7/8"), 0);
    EQUAL(REFUSED("/1/2/3/4/5/6/7/8/9"), EINVAL);
}

TEST(test_the_export_counts)
{
    struct p9_path path = {.count = 0};

    RESULT(p9_path_add(&path, "/hive", 5), 0);
    RESULT(p9_path_add(&path, "/1/2/3/4/5/6/7", 14), 0);
    EQUAL(path.count, P9_DEPTH);
    RESULT(p9_path_add(&path, "/8", 2), EINVAL);
}

TEST(test_a_name_has_at_most_64_bytes)
{
    char text[70] = "/";

    memset(text + 1, 'x', sizeof text - 1);
    EQUAL(refused(text, 1 + P9_NAME), 0);
    EQUAL(refused(text, 1 + P9_NAME + 1), ENAMETOOLONG);
}
