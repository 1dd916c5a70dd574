#!/bin/sh
# Boot the guest in QEMU; `scripts/qemu-run.sh --help` tells how.
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
if ! command -v python3 >/dev/null; then
    echo "qemu-run: python3 is missing; run scripts/setup" >&2
    exit 1
fi
exec python3 "$top/scripts/qemu-run.d/main.py" "$@"
