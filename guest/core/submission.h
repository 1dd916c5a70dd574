/* A job that a guest hands in: a descriptor, given at boot, for the GPU that the guest's worker has leased.
 *
 * Here it is a line of text, written to the GPU's `job`; what the GPU's `status` then tells is passed on line by line
 * until the job, or the lease, has ended. Whoever computes it is on the host. The descriptor is written once: a write
 * whose outcome is not known is not repeated, and the status tells whether it was taken. */
#ifndef NINEDOOR_CORE_SUBMISSION_H
#define NINEDOOR_CORE_SUBMISSION_H

#include "core/p9_file.h"

enum {
    SUBMISSION_JOB = 4096,  /* bytes of a descriptor */
    SUBMISSION_GPU = 64,    /* bytes of a GPU's name: NAME_MAX of ninedoor/limits.py */
    SUBMISSION_LINE = 512,  /* bytes of a status line: GPU_STATUS_LINE_MAX of ninedoor/limits.py */
};

struct submission {
    bool submitted; /* the descriptor is on its way, or there */
    bool ended;
    status because; /* why it waits, or was refused */

    /* Private. */
    struct p9_client *client;
    const struct p9_host *host;
    const char *export, *gpu, *job;
    void (*tell)(const char *line);
    uint64_t period_ms, next_ms;
    uint64_t offset; /* in the status: what was passed on ends there */
};

/* `job` is the descriptor without a line feed; it and `gpu` stay where they are. `tell` takes lines for the log. */
void submission_begin(struct submission *submission, struct p9_client *client, const struct p9_host *host,
                      const char *export, const char *gpu, const char *job, uint64_t period_ms,
                      void (*tell)(const char *line));

/* Do what is due. Waits for replies. */
void submission_turn(struct submission *submission);

/* When it is due again, UINT64_MAX once ended. */
uint64_t submission_deadline(const struct submission *submission);

#endif
