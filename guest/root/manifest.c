/* The lines are those of the generated header, in the wording that logs of this system have always had. */
#include "root/manifest.h"

#include "format.h"
#include "generated/manifest.h"
#include "log.h"

enum { ROLE_ROOM = 32 };

void manifest_announce(void)
{
    for (unsigned i = 0; i < NINEDOOR_AUDIT_LINES_COUNT; i++) {
        log_line("%s", ninedoor_audit_lines[i]);
    }
    log_line("[manifest] namespaces=%u hash=%s", NINEDOOR_MOUNTS_COUNT, NINEDOOR_MOUNTS_SHA256);
    for (unsigned i = 0; i < NINEDOOR_MOUNTS_COUNT; i++) {
        log_line("[manifest] mount service=%s target=%s", ninedoor_mounts[i].service, ninedoor_mounts[i].path);
    }
}

/* "worker-heartbeat" as "WorkerHeartbeat", which is how boot logs spell roles. */
static void spell_role(const char *role, char *spelled, unsigned room)
{
    unsigned used = 0;
    char before = '-';

    for (; *role != '\0' && used + 1 < room; before = *role++) {
        if (*role != '-') {
            spelled[used++] = before == '-' && *role >= 'a' && *role <= 'z' ? (char)(*role - 'a' + 'A') : *role;
        }
    }
    spelled[used] = '\0';
}

void manifest_register_tickets(void)
{
    for (unsigned i = 0; i < NINEDOOR_TICKET_ROLES_COUNT; i++) {
        char role[ROLE_ROOM];

        spell_role(ninedoor_ticket_roles[i], role, sizeof role);
        log_line("[manifest] ticket role=%s source=generated", role);
    }
}
