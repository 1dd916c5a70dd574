/* The components of this guest: which there are, what they may ask, and what becomes of one that fails. */
#ifndef NINEDOOR_COMPONENTS_H
#define NINEDOOR_COMPONENTS_H

#include <stdbool.h>
#include <stdint.h>

/* Join the pump and answer messages from here on. */
void components_handle(void);

/* Start the user component and wait, bounded, for its PING and PONG. Start the one that misbehaves, if the boot
 * setting "misbehave" names a way to. */
void components_start(void);

/* Whether a component can read the register that `argument` (RUN_READ_… of component/abi.h) stands for without
 * fault. Before components_handle() only: the component has the machine to itself. */
bool components_probe(uint64_t argument);

/* A line for each component: its state and how often it was started. */
void components_describe(void (*line)(const char *text));

#endif
