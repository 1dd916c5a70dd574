/* System calls of a non-MCS seL4 kernel on AArch64, and the shape of its messages. Debug system calls are not used: a
 * kernel built without them stops the thread that tries. */
#ifndef NINEDOOR_SYSCALL_H
#define NINEDOOR_SYSCALL_H

#include <stdint.h>

enum {
    SYSCALL_CALL = -1,
    SYSCALL_REPLY = -6,
    SYSCALL_RECEIVE = -5,
    SYSCALL_RECEIVE_NONBLOCKING = -8,

    REGISTER_WORDS = 4, /* message words that travel in registers; the rest in the IPC buffer */
};

/* The IPC buffer: one page given to the thread by whoever made it. */
struct ipc_buffer {
    uint64_t tag;
    uint64_t words[120];
    uint64_t user_data;
    uint64_t caps_or_badges[3];
    uint64_t receive_cnode, receive_index, receive_depth;
};

extern struct ipc_buffer *ipc_buffer;

static inline uint64_t message_info(uint64_t label, unsigned caps, unsigned words)
{
    return label << 12 | (uint64_t)caps << 7 | words;
}

static inline uint64_t message_label(uint64_t info)
{
    return info >> 12;
}

/* In: capability, message info, first words. Out: badge, message info, first words. */
struct registers {
    uint64_t capability; /* badge on return */
    uint64_t info;
    uint64_t words[REGISTER_WORDS];
};

#ifdef NINEDOOR_HOST_TEST /* a model of the kernel answers */
void system_call(int64_t number, struct registers *registers);
#else
static inline void system_call(int64_t number, struct registers *registers)
{
    register uint64_t x0 __asm__("x0") = registers->capability;
    register uint64_t x1 __asm__("x1") = registers->info;
    register uint64_t x2 __asm__("x2") = registers->words[0];
    register uint64_t x3 __asm__("x3") = registers->words[1];
    register uint64_t x4 __asm__("x4") = registers->words[2];
    register uint64_t x5 __asm__("x5") = registers->words[3];
    register int64_t x7 __asm__("x7") = number;

    __asm__ volatile("svc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5) : "r"(x7) : "memory");
    *registers = (struct registers){.capability = x0, .info = x1, .words = {x2, x3, x4, x5}};
}
#endif

#endif
