/* Every invocation goes through here. */
#include "platform/sel4/invoke.h"

#include "bytes.h"
#include "platform.h"
#include "platform/sel4/bootinfo.h"
#include "platform/sel4/syscall.h"

static unsigned offset;

static uint16_t invoke_label(const struct invocation *invocation, uint64_t label, uint64_t *result)
{
    struct registers registers = {
        .capability = invocation->object,
        .info = message_info(label, invocation->cap_count, invocation->word_count),
    };

    for (unsigned i = 0; i < invocation->word_count; i++) {
        if (i < REGISTER_WORDS) {
            registers.words[i] = invocation->words[i];
        } else {
            ipc_buffer->words[i] = invocation->words[i];
        }
    }
    for (unsigned i = 0; i < invocation->cap_count; i++) {
        ipc_buffer->caps_or_badges[i] = invocation->caps[i];
    }
    system_call(SYSCALL_CALL, &registers);
    if (result != 0) {
        *result = registers.words[0];
    }
    return (uint16_t)message_label(registers.info);
}

uint16_t invoke(const struct invocation *invocation, uint64_t *result)
{
    ASSERT(invocation->word_count <= INVOKE_WORDS && invocation->cap_count <= INVOKE_CAPS);
    return invoke_label(invocation, invocation->label + (invocation->label < ARCHITECTURE_LABELS ? 0 : offset), result);
}

status invoke_status(const struct invocation *invocation)
{
    static const uint16_t errors[] = {
        [SEL4_NO_ERROR] = 0,
        [SEL4_INVALID_ARGUMENT] = EINVAL,
        [SEL4_INVALID_CAPABILITY] = EBADF,
        [SEL4_ILLEGAL_OPERATION] = EPERM,
        [SEL4_RANGE_ERROR] = ERANGE,
        [SEL4_ALIGNMENT_ERROR] = EINVAL,
        [SEL4_FAILED_LOOKUP] = ENOENT,
        [SEL4_TRUNCATED_MESSAGE] = EPROTO,
        [SEL4_DELETE_FIRST] = EEXIST,
        [SEL4_REVOKE_FIRST] = EBUSY,
        [SEL4_NOT_ENOUGH_MEMORY] = ENOMEM,
    };
    uint16_t code = invoke(invocation, 0);

    return status_kernel(code < ARRAY_LENGTH(errors) ? errors[code] : EIO, code);
}

status labels_detect(void)
{
    static const unsigned known[] = {0, 2}; /* kernel 14; 15 and 16 */
    const struct invocation get_address = {.object = CAP_BOOTINFO_FRAME, .label = PAGE_GET_ADDRESS};

    for (unsigned i = 0; i < ARRAY_LENGTH(known); i++) {
        uint64_t physical = 0;

        /* Under any other numbering this label takes arguments, and is refused for lack of them. */
        if (invoke_label(&get_address, PAGE_GET_ADDRESS + known[i], &physical) == SEL4_NO_ERROR && physical != 0) {
            offset = known[i];
            return status_ok();
        }
    }
    return status_error(ENXIO);
}

unsigned labels_offset(void)
{
    return offset;
}
