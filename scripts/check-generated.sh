#!/bin/sh
# Write everything that coh-rtc makes from the stock manifest into a temporary folder, and compare it with what
# is in the checkout, byte by byte: files, tables within the documents, and their fingerprints.
#
#   scripts/check-generated.sh
#
# Leaves with 0 when all agree; else names each file that does not, shows how, and leaves with 1.
set -eu

MANIFEST=configs/root_task.toml

cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

fresh=$work/tree
mkdir -p "$fresh/docs"
cp docs/*.md "$fresh/docs/"
rm -f "$fresh/docs/MANIFEST.md"
"$python" -m ninedoor.cli.compiler compile "$MANIFEST" --tree "$fresh" > "$work/said" 2>&1 || {
    cat "$work/said"
    exit 1
}

status=0
for file in $(cd "$fresh" && find . -type f | LC_ALL=C sort); do
    if ! cmp -s "$fresh/$file" "$file"; then
        echo "${file#./} is not what coh-rtc writes:"
        diff -u "$file" "$fresh/$file" 2>&1 | head -n 20 || true
        status=1
    fi
done
if [ "$status" -ne 0 ]; then
    echo "run: $python -m ninedoor.cli.compiler $MANIFEST --tree ."
fi
exit "$status"
