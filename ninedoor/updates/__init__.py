"""Content-addressed updates as a hive keeps them: chunks, epochs, payloads, models.

The blobs of a `ninedoor.store.blobports.Blobs` are the one truth about them; nothing of it is in the journal
but the log lines, which tell what happened and decide nothing. So two sources cannot disagree, whenever the
process was killed: an epoch is committed when its manifest is stored as one, and at no other time.

Everything is synchronous and bounded in time: a write hashes and stores at most one chunk, or looks at a
bounded number of them. What would take longer is a job (`jobs.Job`) that the runtime runs in a thread.
"""
