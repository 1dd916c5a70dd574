/* Names of the errno values that this guest meets. */
#include "errors.h"

#include "bytes.h"

const char *error_name(unsigned error)
{
    static const struct {
        uint16_t number;
        const char *name;
    } names[] = {
        {0, "OK"}, {EPERM, "EPERM"}, {ENOENT, "ENOENT"}, {EINTR, "EINTR"}, {EIO, "EIO"}, {ENXIO, "ENXIO"},
        {EBADF, "EBADF"}, {EAGAIN, "EAGAIN"}, {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"}, {EFAULT, "EFAULT"}, {EBUSY, "EBUSY"},
        {EEXIST, "EEXIST"}, {ENODEV, "ENODEV"}, {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"}, {EINVAL, "EINVAL"}, {EMFILE, "EMFILE"},
        {ENOSPC, "ENOSPC"}, {EROFS, "EROFS"}, {ERANGE, "ERANGE"}, {ENAMETOOLONG, "ENAMETOOLONG"}, {EPROTO, "EPROTO"}, {EMSGSIZE, "EMSGSIZE"},
        {EOPNOTSUPP, "EOPNOTSUPP"}, {ENOTCONN, "ENOTCONN"}, {ETIMEDOUT, "ETIMEDOUT"}, {ESTALE, "ESTALE"},
        {EDQUOT, "EDQUOT"},
    };

    for (unsigned i = 0; i < ARRAY_LENGTH(names); i++) {
        if (names[i].number == error) {
            return names[i].name;
        }
    }
    return "E?";
}
