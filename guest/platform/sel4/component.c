/* Components under seL4. Each has an untyped and a run of slots set aside at its first start; everything it is made of
 * comes from there, so revoking that untyped takes all of it back at once: thread, address space, capabilities. */
#include "bytes.h"
#include "component/abi.h"
#include "hal.h"
#include "platform.h"
#include "platform/sel4/bootinfo.h"
#include "platform/sel4/cspace.h"
#include "platform/sel4/invoke.h"
#include "platform/sel4/machine.h"
#include "platform/sel4/memory.h"
#include "root/load.h"

enum {
    MEMORY_BITS = 17, /* 128 KiB: 16 pages and IPC buffer, 4 tables, CNode, TCB, with room for alignment */
    SLOTS = 32,       /* as many capabilities as all that can have */
    CSPACE_BITS = 4,  /* slots of the component's own CNode */
    PRIORITY = 100,   /* below the root task, whose 255 nothing delays */
    WORD_BITS = 64,
    RESUME = 1,
};

struct component {
    struct pool pool; /* as set aside; `live` is what it is now */
    struct pool live;
    uint64_t vspace, cspace, thread, ipc_frame;
    bool present;
};

static struct component components[COMPONENTS];

static void unify(const uint8_t *page)
{
    for (unsigned line = 0; line < HAL_PAGE; line += 16) { /* no cache has shorter lines */
        __asm__ volatile("dc cvau, %0" ::"r"(page + line) : "memory");
    }
    __asm__ volatile("dsb ish" ::: "memory");
    for (unsigned line = 0; line < HAL_PAGE; line += 16) {
        __asm__ volatile("ic ivau, %0" ::"r"(page + line) : "memory");
    }
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

/* Fill a fresh frame, which the kernel has cleared, by way of a window in the root task's own address space. A frame
 * is mapped in one place at a time, so it leaves the window before the component gets it. */
static status fill(uint64_t frame, const struct load_page *page)
{
    uint8_t *window = (uint8_t *)WINDOW_SCRATCH;
    status result =
        page_map(&root_pool, CAP_VSPACE, frame, WINDOW_SCRATCH, RIGHTS_READ | RIGHTS_WRITE, ATTRIBUTES_DATA);

    if (failed(result)) {
        return result;
    }
    memcpy(window + page->offset, page->bytes, page->count);
    unify(window);
    return page_unmap(frame);
}

static status take_page(void *self, const struct load_page *page)
{
    struct component *component = self;
    uint64_t frame;
    status result = object_create(&component->live, OBJECT_PAGE, 0, &frame);

    if (!failed(result) && page->count > 0) {
        result = fill(frame, page);
    }
    if (failed(result)) {
        return result;
    }
    return page_map(&component->live, component->vspace, frame, page->virtual_address,
                    page->writable ? RIGHTS_READ | RIGHTS_WRITE : RIGHTS_READ,
                    page->executable ? ATTRIBUTES_CODE : ATTRIBUTES_DATA);
}

static status make_spaces(struct component *component)
{
    struct invocation assign = {.object = CAP_ASID_POOL, .label = ASID_POOL_ASSIGN, .cap_count = 1};
    status result = object_create(&component->live, OBJECT_VSPACE, 0, &component->vspace);

    if (!failed(result)) {
        assign.caps[0] = component->vspace;
        result = invoke_status(&assign);
    }
    if (!failed(result)) {
        result = object_create(&component->live, OBJECT_CNODE, CSPACE_BITS, &component->cspace);
    }
    if (!failed(result)) {
        result = object_create(&component->live, OBJECT_PAGE, 0, &component->ipc_frame);
    }
    if (!failed(result)) {
        result = page_map(&component->live, component->vspace, component->ipc_frame, COMPONENT_IPC_BUFFER,
                          RIGHTS_READ | RIGHTS_WRITE, ATTRIBUTES_DATA);
    }
    return result;
}

/* All that a component may name: the endpoint, to call the root task, and the same for the kernel to report faults
 * through, which is looked up in the component's own space. */
static status grant(struct component *component, unsigned number)
{
    status result = cap_mint(component->cspace, SLOT_ENDPOINT, CSPACE_BITS, machine_endpoint(),
                             RIGHTS_WRITE | RIGHTS_GRANT_REPLY, BADGE_CALL | number);

    if (failed(result)) {
        return result;
    }
    return cap_mint(component->cspace, SLOT_FAULTS, CSPACE_BITS, machine_endpoint(),
                    RIGHTS_WRITE | RIGHTS_GRANT_REPLY, BADGE_FAULT | number);
}

static status make_thread(struct component *component, uint64_t entry, uint64_t argument)
{
    struct invocation configure = {
        .label = TCB_CONFIGURE,
        .word_count = 4,
        .words = {SLOT_FAULTS, WORD_BITS - CSPACE_BITS, 0, COMPONENT_IPC_BUFFER}, /* the guard takes the other bits */
        .cap_count = 3,
        .caps = {component->cspace, component->vspace, component->ipc_frame},
    };
    struct invocation set_priority = {
        .label = TCB_SET_PRIORITY, .word_count = 1, .words = {PRIORITY}, .cap_count = 1, .caps = {CAP_TCB}};
    struct invocation write_registers = {
        .label = TCB_WRITE_REGISTERS,
        .word_count = 6,
        .words = {RESUME, 4, entry, COMPONENT_STACK_TOP, 0, argument}, /* instruction, stack, flags, x0 */
    };
    status result = object_create(&component->live, OBJECT_TCB, 0, &component->thread);

    configure.object = set_priority.object = write_registers.object = component->thread;
    if (!failed(result)) {
        result = invoke_status(&configure);
    }
    if (!failed(result)) {
        result = invoke_status(&set_priority);
    }
    if (!failed(result)) {
        result = invoke_status(&write_registers);
    }
    return result;
}

static status build(struct component *component, unsigned number, const void *image, size_t size, uint64_t argument)
{
    uint64_t entry = 0;
    status result = make_spaces(component);

    if (!failed(result)) {
        result = load_component(image, size, take_page, component, &entry);
    }
    if (!failed(result)) {
        result = grant(component, number);
    }
    return failed(result) ? result : make_thread(component, entry, argument);
}

status component_start(unsigned number, const void *image, size_t size, uint64_t argument)
{
    struct component *component;
    status result = status_ok();

    if (number >= COMPONENTS) {
        return status_error(EINVAL);
    }
    component = &components[number];
    if (component->present) {
        return status_error(EBUSY);
    }
    if (component->pool.untyped == 0) {
        result = pool_set_aside(&component->pool, SLOTS, MEMORY_BITS);
    }
    if (failed(result)) {
        return result;
    }
    component->live = component->pool;
    component->present = true;
    result = build(component, number, image, size, argument);
    if (failed(result)) {
        (void)component_destroy(number); /* the first failure is the one to tell */
    }
    return result;
}

status component_destroy(unsigned number)
{
    status result;

    if (number >= COMPONENTS) {
        return status_error(EINVAL);
    }
    result = cap_revoke(components[number].pool.untyped);
    if (!failed(result)) {
        components[number].present = false;
    }
    return result;
}
