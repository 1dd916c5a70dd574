/* What can go wrong, in the numbers of the protocol: Linux errno values, which 9P2000.L carries in Rlerror, so that
 * a refusal keeps its number from the hive to the console. A status also carries the code of the seL4 invocation
 * that failed, if one did, because that is what a person bringing up a board has to look up. */
#ifndef NINEDOOR_ERRORS_H
#define NINEDOOR_ERRORS_H

#include <stdbool.h>
#include <stdint.h>

/* The same replacement as in Linux' <errno.h>, so that host tests may include both. */
#define EPERM 1
#define ENOENT 2
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define ENOTDIR 20
#define EISDIR 21
#define EINVAL 22
#define EMFILE 24
#define ENOSPC 28
#define EROFS 30
#define ERANGE 34
#define ENAMETOOLONG 36
#define EPROTO 71
#define EMSGSIZE 90
#define EOPNOTSUPP 95
#define ENOTCONN 107
#define ETIMEDOUT 110
#define ESTALE 116
#define EDQUOT 122

/* seL4_Error as a kernel returns it in the label of a reply. */
enum sel4_error {
    SEL4_NO_ERROR = 0,
    SEL4_INVALID_ARGUMENT = 1,
    SEL4_INVALID_CAPABILITY = 2,
    SEL4_ILLEGAL_OPERATION = 3,
    SEL4_RANGE_ERROR = 4,
    SEL4_ALIGNMENT_ERROR = 5,
    SEL4_FAILED_LOOKUP = 6,
    SEL4_TRUNCATED_MESSAGE = 7,
    SEL4_DELETE_FIRST = 8,
    SEL4_REVOKE_FIRST = 9,
    SEL4_NOT_ENOUGH_MEMORY = 10,
};

/* error: 0 or an errno above. kernel: the seL4 code behind it, 0 where no kernel was asked. */
typedef struct status {
    uint16_t error;
    uint16_t kernel;
} status;

static inline status status_ok(void) { return (status){0, 0}; }
static inline status status_error(uint16_t error) { return (status){error, 0}; }
static inline status status_kernel(uint16_t error, uint16_t kernel) { return (status){error, kernel}; }
static inline bool failed(status result) { return result.error != 0; }

/* "EPERM" for 1 …; "E?" for a number this guest has no name for. Never null. */
const char *error_name(unsigned error);

#endif
