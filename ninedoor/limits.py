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

RETIRED_SPANS_MAX = 65536
"""Retired fid numbers are kept as spans (first, last). A peer that scatters more spans than this has its
session closed: clients that count upwards, as ours do, need one."""

SESSION_FIDS = 256
"""Default bound on live fids of a socket session (each costs under 1 KiB)."""

WORKERS_MAX = 15000
"""Most workers a manifest may allow: each holds a session, and SESSIONS_MAX leaves room for operators."""

LOCAL_FIDS = 1 << 20
"""Bound on live fids of an embedded mount: one per inode the kernel remembers plus open files."""

SESSIONS_MAX = 16384
"""Bound on sessions of one daemon: 10,000 workers and 1,000 socket peers with room to spare."""

TICKET_CHARS_MAX = 224
"""Longest ticket text the console and cohsh accept (the original's line budget)."""

SCOPES_MAX = 16
TICKET_STRING_MAX = 255
"""Bounds inside the ticket payload format."""

LOG_BYTES = 1 << 20
"""Retained bytes of /log/queen.log. Older bytes leave first; the base offset says how many left."""

CTL_BYTES = 64 << 10
"""Retained bytes of outcomes readable in a ctl file."""

LINE_MAX = 8168
"""Longest command line: one write must carry it whole, and a write is at most msize - 24 bytes."""

JSON_DEPTH_MAX = 4
"""Nesting of a queen command; the deepest legal one has 2."""

RECORD_MAX = 1 << 20
"""Largest journal record in bytes."""

WORKER_TICKETS_MAX = 64
"""Tickets of one worker that are remembered to be revoked with it. One past that is refused all the same once
the worker is gone: there is nobody left to attach as."""

REVOKED_TICKETS_MAX = 4096
"""Fingerprints of revoked tickets that are remembered; the oldest is forgotten first."""
