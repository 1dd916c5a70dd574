/* What the root task tells of the manifest it was built with. */
#ifndef NINEDOOR_ROOT_MANIFEST_H
#define NINEDOOR_ROOT_MANIFEST_H

/* The audit lines, then the namespaces and their hash. */
void manifest_announce(void);
/* One line for each role that the hive gives tickets for. Of a ticket nothing but its role is known here. */
void manifest_register_tickets(void);

#endif
