/* What p9_client.c asks of the session. Private to the client. */
#ifndef NINEDOOR_CORE_P9_SESSION_H
#define NINEDOOR_CORE_P9_SESSION_H

#include "core/p9_client.h"

/* Make the session: it is P9_DOWN, and the pause is over. */
void p9_session_begin(struct p9_client *client, uint64_t now_ms);

/* The client's own question is answered, in client->own. */
void p9_session_answered(struct p9_client *client, uint64_t now_ms);

/* `result` was the answer to somebody's request: does it tell that the hive does not know us any more? */
void p9_session_doubt(struct p9_client *client, status result, uint64_t now_ms);

/* Work on the client's own account while the session stands: the probe, then orphans. */
void p9_session_housekeep(struct p9_client *client, uint64_t now_ms);

#endif
