#!/bin/sh
# Refuse an archive that is too large for the guest to boot from.
#
#   scripts/size_guard.sh FILE
#
# Leaves with 0 when FILE has at most 4 MiB, 2 when it has more, 1 when it cannot be looked at.
set -eu

LIMIT_MIB=4

if [ "$#" -ne 1 ]; then
    echo "usage: scripts/size_guard.sh FILE" >&2
    exit 1
fi
if [ ! -f "$1" ]; then
    echo "$1: no such file" >&2
    exit 1
fi
bytes=$(stat -L -c %s -- "$1")
if [ "$bytes" -gt $((LIMIT_MIB * 1024 * 1024)) ]; then
    echo "Archive exceeds $LIMIT_MIB MiB: $bytes bytes" >&2
    exit 2
fi
echo "Archive size OK: $bytes bytes"
