/* A component that does what none may, each time in another way, to show that only it comes to harm. */
#include <stdint.h>

#include "component/abi.h"
#include "component/call.h"

enum { SLOT_NOBODY = 99 }; /* past the end of its capability space */

/* Memory of the root task, on either platform: it is there, and not for us. */
static volatile uint64_t *const foreign = (volatile uint64_t *)0x40400000ul;

static void execute_stack(void)
{
    uint32_t code[2] = {0xd65f03c0, 0xd65f03c0}; /* ret */
    void (*run)(void);
    uint32_t *at = code;

    __builtin_memcpy(&run, &at, sizeof run);
    run();
}

void component_main(uint64_t argument);
void component_main(uint64_t argument)
{
    switch (argument) {
    case MISBEHAVE_MEMORY:
        *foreign = 0;
        break;
    case MISBEHAVE_CAPABILITY:
        call(SLOT_NOBODY, CALL_PING, 0);
        break;
    case MISBEHAVE_CODE:
        execute_stack();
        break;
    case MISBEHAVE_DIE:
        __asm__ volatile("udf #0");
        break;
    case MISBEHAVE_FLOOD:
        for (;;) {
            call(SLOT_ENDPOINT, CALL_PING, 0);
        }
    default:
        break;
    }
    for (;;) {
        __asm__ volatile(""); /* MISBEHAVE_SPIN, and whoever got through */
    }
}
