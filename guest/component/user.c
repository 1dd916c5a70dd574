/* The user component: says PING through its endpoint, hears the number back, says PONG, and rests. Also finds out,
 * by trying, which registers of the clock the kernel lets programs use: it may fault, the root task may not. */
#include <stdint.h>

#include "component/abi.h"
#include "component/call.h"

void component_main(uint64_t argument);
void component_main(uint64_t argument)
{
    uint64_t value = 0;

    if (argument == RUN_READ_COUNTER) {
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(value));
        call(SLOT_ENDPOINT, CALL_COUNT, value);
    } else if (argument == RUN_READ_TIMER) {
        __asm__ volatile("mrs %0, cntp_ctl_el0" : "=r"(value));
        call(SLOT_ENDPOINT, CALL_COUNT, value);
    } else if (argument >= RUN_PING) {
        value = call(SLOT_ENDPOINT, CALL_PING, argument - RUN_PING);
        call(SLOT_ENDPOINT, CALL_PONG, value);
    }
    call(SLOT_ENDPOINT, CALL_REST, 0);
    for (;;) { /* not reached: that call has no answer */
    }
}
