"""Red lines and hard bounds, each with the place its number comes from.

A manifest may tighten these, never loosen them. Nothing else in the code may
repeat one of the numbers; `docs/SECURE9P.md` quotes them from here.
"""

MSIZE_MAX = 8192
"""Largest 9P frame in bytes, header included. Build plan, red lines."""

MSIZE_MIN = 256
"""Smallest msize a peer may ask for: less cannot carry a useful Rgetattr (160 bytes) or a walk."""

WALK_DEPTH_MAX = 8
"""Names in one Twalk, and components of any path below the root. Build plan, red lines."""

WIRE_NAMES_MAX = 16
"""MAXWELEM of walk(5). More names than this cannot be a 9P frame; 9..16 decode and are then refused."""

NAME_MAX = 64
"""Bytes in one path component (the original's limit; also what statfs reports as f_namelen)."""

STRING_MAX = 4096
"""Bytes in any other string of a frame (uname, aname). A ticket at the limits of `[ticket_limits]`' defaults
(8 scopes with paths of 128 bytes) is 2.3 KB of text."""

HEADER_BYTES = 7
"""size[4] type[1] tag[2]."""

READ_OVERHEAD = 11
"""Bytes of an Rread or Rreaddir besides its data: header + count[4]."""

WRITE_OVERHEAD = 23
"""Bytes of a Twrite besides its data: header + fid[4] offset[8] count[4]."""

IO_OVERHEAD = 24
"""P9_IOHDRSZ of the Linux client: msize - 24 is the payload both sides agree on (8168 at msize 8192)."""

NOTAG = 0xFFFF
"""Tag of a Tversion, and of a reply to what never had one."""

NOFID = 0xFFFFFFFF
"""Fid of a request that is about none."""

APPEND_OFFSET = 0xFFFFFFFFFFFFFFFF
"""Offset that means "at the end, wherever that is" on append-only nodes."""

TURN_BYTES = 32 << 10
"""Bytes of replies made for one connection before another has its turn; the last of them may pass it."""

TURN_REPLY_BYTES = 256
"""What a reply counts for in a turn besides its length, so that a turn ends after 128 frames, some 0.2 ms,
however small they are."""

TURN_ENTRY_BYTES = 64
"""What an entry of a directory that had to be listed anew counts for in a turn: some 2 µs. A turn ends with a
listing of 512 or more, so that it holds at most one of those."""

RECEIVE_BYTES = 128 << 10
"""Bytes taken from a socket at a time: sixteen long messages, since each time costs as much as some of them.
With TURN_BYTES, an unfinished frame and the reply that ends a turn it makes 176 KiB, the most that one
connection's streams hold."""

RETIRED_SPANS_MAX = 8192
"""Retired fid numbers are kept as spans (first, last). A peer that scatters more spans than this has its
session closed: clients that count upwards, as ours do, need one."""

LISTED_ENTRIES_MAX = 16384
"""Entries of directories that one session's fids keep between two Treaddirs (about 200 bytes each): the
largest directory whole, and no more however many fids list it."""

SESSION_FIDS = 256
"""Default bound on live fids of a socket session (each costs under 1 KiB)."""

LISTENER_FIDS_MAX = 1 << 16
"""Most live fids a manifest may allow each peer of a listener: a Linux client keeps one for every name it
remembers."""

LISTENERS_MAX = 16
"""Most sockets that one daemon listens on."""

WORKERS_MAX = 15000
"""Most workers a manifest may allow: each holds a session, and SESSIONS_MAX leaves room for operators."""

LOCAL_FIDS = 1 << 20
"""Bound on live fids of an embedded mount: one per inode the kernel remembers plus open files."""

SESSIONS_MAX = 16384
"""Bound on sessions of one daemon: 10,000 workers and 1,000 socket peers with room to spare."""

TICKET_CHARS_MAX = 224
"""Longest ticket text the console and cohsh accept (the original's line budget)."""

CONSOLE_LINE_MAX = 256
"""Bytes in one line of the console, in either direction, without what ends or frames it (the original's)."""

CONSOLE_ROLE_MAX = 16
"""Bytes in the role of a console's attach (the original's)."""

CONSOLE_PATH_MAX = 96
"""Bytes in a path that a console command names (the original's)."""

CONSOLE_JSON_MAX = 192
"""Bytes in the JSON of a console's spawn (the original's)."""

CONSOLE_ID_MAX = 32
"""Bytes in the worker id of a console's kill (the original's)."""

CONSOLE_ECHO_MAX = 128
"""Bytes in the payload of a console's echo (the original's). What is longer goes through a mount or 9P."""

CONSOLE_BODY_MAX = 1 << 20
"""Bytes of the largest file that the console shows, as large as any ring. Each client holds at most one."""

CONSOLE_TAIL_BYTES = 64 << 10
"""What the console's tail and log show of a file, from its end: a thousand lines or so."""

CONSOLE_WAITING_MAX = 64
"""TCP connections to a console that have not shown the token yet. One more cuts the one that waits longest,
so that no crowd of strangers keeps out who knows it."""

CONSOLE_CLIENTS_MAX = 256
"""Most clients that one console may be set to serve at a time, each with an answer of its own in memory."""

CONSOLE_ATTEMPTS_MAX = 10
"""Refused credentials in a row after which a console's conversation ends."""

ACK_DETAIL_MAX = 128
"""Bytes in what follows the verb or the reason of an acknowledgement; more of it vanishes (the original's
buffer). Scripts rely on what `data=` then still holds."""

ACK_DATA_LINE_MAX = 64
"""Longest line of a file, in bytes, that `data=` repeats (the original's)."""

SCOPES_MAX = 16
TICKET_STRING_MAX = 255
"""Bounds inside the ticket payload format."""

LOG_BYTES = 1 << 20
"""Retained bytes of /log/queen.log. Older bytes leave first; the base offset says how many left."""

CTL_BYTES = 64 << 10
"""Retained bytes of outcomes readable in a ctl file."""

LIFECYCLE_CTL_BYTES = 4 << 10
"""Retained bytes of outcomes readable in /queen/lifecycle/ctl: a hundred commands or so."""

LINE_MAX = 8168
"""Longest command line: one write must carry it whole, and a write is at most msize - 24 bytes."""

JSON_DEPTH_MAX = 4
"""Nesting of a queen command; the deepest legal one has 2."""

RECORD_MAX = 1 << 20
"""Largest journal record in bytes."""

CBOR_DEPTH_MAX = 8
"""Nesting of CBOR that is encoded or decoded; a frame itself is 1, its payload 2."""

CBOR_BYTES_MAX = 8168
"""Largest telemetry frame: one write carries it whole, and a write is at most msize - 24 bytes."""

CURSORS_MAX = 16
"""Named cursors of one worker. Each costs some 200 bytes, and a worker its ring and little more."""

CURSOR_NAME_MAX = 32
"""Bytes in the name of a cursor."""

CURSOR_REWIND_MAX = 1024
"""Bytes by which a strict reader or a named cursor may go back, and never more than the ring holds (the
original's)."""

INGEST_RECORD_MAX = 4096
"""Bytes of one write to an ingest segment (the original's)."""

INGEST_DEVICES_MAX = 32
"""Devices below /queen/telemetry: as many as one pull visits."""

INGEST_NUMBERS_MAX = 1024
"""Devices that left whose numbers of segments are remembered, so that none is used again. Each costs some 200
bytes; whoever has more devices than this loses the promise for those that left first."""

INGEST_CTL_BYTES = 4 << 10
"""Retained bytes of outcomes readable in a device's ctl file."""

WORKER_TICKETS_MAX = 64
"""Tickets of one worker that are remembered to be revoked with it. One past that is refused all the same once
the worker is gone: there is nobody left to attach as."""

REVOKED_TICKETS_MAX = 4096
"""Fingerprints of revoked tickets that are remembered; the oldest is forgotten first."""

GPUS_MAX = 64
"""GPUs that one snapshot may name."""

GPU_MODELS_MAX = 64
"""Models that one snapshot may name."""

GPU_MANIFEST_BYTES = 8192
"""Bytes of a model's manifest (the original's)."""

GPU_SNAPSHOT_BYTES = 131072
"""Bytes of a published snapshot before base64 (the original's)."""

GPU_CHUNK_CHARS = 124
"""Characters of base64 in one line of a publication: the most of CONSOLE_ECHO_MAX behind `b64:` that are
whole groups of four (the original's)."""

GPU_BRIDGE_STATUS_BYTES = 512
"""Bytes of /gpu/bridge/status (the original's)."""

GPU_LEASE_LINE_MAX = 1024
"""Bytes of one line of a lease file (the original's client policy)."""

GPU_STATUS_LINE_MAX = 512
"""Bytes of one line of a status file (the original's, of a breadcrumb)."""

GPU_BREADCRUMB_COMMAND_MAX = 256
"""Bytes of a command that a breadcrumb repeats (the original's)."""

GPU_STREAM_BYTES = 64 << 10
"""Retained bytes of each of a GPU's ctl, lease and status."""

GPU_JOB_BYTES = 256 << 10
"""Retained bytes of a GPU's job file: thirty of the longest lines."""

GPU_PENDING_MAX = 64
"""Unfinished jobs of one GPU: 512 KiB of descriptors at most."""

GPU_JOB_PATHS_MAX = 64
"""Inputs, and outputs, that one job may name."""

GPU_PAYLOAD_BYTES = 16 << 20
"""Bytes of one job's payload, wherever it comes from: what a bridge reads into memory for it."""

GPU_RESULT_BYTES = 1 << 20
"""Bytes of one job's result: a 512 by 512 matrix of float32."""

GPU_RESULTS_BYTES = 16 << 20
"""Bytes of all results a hive keeps; what was completed first leaves first. They are part of every
snapshot."""

GPU_RESULTS_MAX = 1024
"""Complete results a hive keeps: a file each, which small ones would fill GPU_RESULTS_BYTES with by the
million."""

BLOCK_BYTES = 4096
"""What a file of updates takes of its budget, or a multiple of it: disks give whole blocks, so a million tiny
chunks are not small."""
