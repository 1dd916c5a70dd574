/* What components and the root task agree on. A component is a program of its own: it shares this file, and no code
 * or memory, with the root task. Its system calls are those of an seL4 kernel; on the bare machine the root task
 * answers the one that is needed, Call on the endpoint, the same way. */
#ifndef NINEDOOR_ABI_H
#define NINEDOOR_ABI_H

/* Where a component lies in its own address space: whole pages, text and data in different ones. */
#define COMPONENT_BASE 0x400000ul                                       /* component: text, then data */
#define COMPONENT_PAGES 16ul                                            /* … for all of it, stack included */
#define COMPONENT_STACK_TOP (COMPONENT_BASE + COMPONENT_PAGES * 4096ul) /* … its stack ends here */
#define COMPONENT_IPC_BUFFER (COMPONENT_STACK_TOP + 4096ul)             /* … its IPC buffer; the page before it faults */

/* Its capabilities. */
#define SLOT_ENDPOINT 1ul /* to the root task, badged with the component's number */
#define SLOT_FAULTS 2ul   /* the same endpoint under another badge, for the kernel's use */

/* Labels of its calls. */
#define CALL_PING 1ul  /* words[0] = n; answered at once with n */
#define CALL_PONG 2ul  /* words[0] = n that came back; answered at once */
#define CALL_REST 3ul  /* never answered: the component has nothing to do */
#define CALL_COUNT 4ul /* words[0] = the counter it read; never answered */

/* Arguments a component is started with; those of the user component first. */
#define RUN_PING 0x100ul       /* + n: PING n, PONG n, rest */
#define RUN_READ_COUNTER 1ul   /* read CNTVCT_EL0 and tell: a kernel that keeps it makes this fault */
#define RUN_READ_TIMER 2ul     /* the same of CNTP_CTL_EL0 */

/* The one that misbehaves on purpose. */
#define MISBEHAVE_MEMORY 1ul     /* write to memory of the root task */
#define MISBEHAVE_CAPABILITY 2ul /* call a capability it does not hold */
#define MISBEHAVE_SPIN 3ul       /* compute for ever */
#define MISBEHAVE_DIE 4ul        /* execute an undefined instruction */
#define MISBEHAVE_CODE 5ul       /* execute its own stack */
#define MISBEHAVE_FLOOD 6ul      /* call without end */

#endif
