/* The part of the pump that only the root task uses. */
#ifndef NINEDOOR_PUMP_H
#define NINEDOOR_PUMP_H

#include "events.h"
#include "root/machine.h"

/* Called for every message of a component, before anything else runs: it answers, or leaves the component waiting. It
 * may log, and must not wait. Precondition of everything below pump_run(): it was set. */
typedef void message_handler(const struct message *message);

void pump_on_message(message_handler *handler);

#endif
