"""What an operator does in a shell, step by step, and what came of it.

The steps are for busybox's shell and for bash: one script runs them all, below any mount of a hive.
"""

import re
from typing import NamedTuple

SPAWN = """echo '{"spawn":"heartbeat","ticks":100}' > queen/ctl"""
WORKER = "worker=$(grep -o 'spawned worker-[0-9]*' log/queen.log | tail -n 1 | cut -d' ' -f2)"

STEPS = {
    "names": "ls -1; ls -1 proc proc/9p log queen",
    "modes": "ls -ln . proc log queen | awk 'NF > 2 { print $1, $2, $3, $4, $NF }'",
    "stat": "stat -c '%A %h %u %g %s %F' . proc/boot queen; stat -c '%A %h %u %g' queen/ctl log/queen.log",
    "cat": "cat proc/boot",
    "blocks": "dd if=proc/boot bs=7 2>/dev/null | cmp - proc/boot",
    "find": "find . -type f -name 'bo*'",
    "grep": "grep -rl 'manifest.sha256' proc",
    "sizes": "for file in proc/boot queen/ctl; do test $(wc -c < $file) = $(cat $file | wc -c) || exit; done",
    "append": "echo PLACE 1 >> log/queen.log; echo PLACE 2 >> log/queen.log; grep 'PLACE [12]' log/queen.log",
    "replace": "echo PLACE 3 > log/queen.log; echo PLACE 4 > log/queen.log; grep 'PLACE [34]' log/queen.log",
    "command": f"{SPAWN}; tail -n 1 queen/ctl",
    "refused command": "echo nonsense > queen/ctl",
    "why": "tail -n 1 queen/ctl",
    "unknown worker": """echo '{"kill":"worker-999999"}' > queen/ctl""",
    "telemetry": f"""{SPAWN}; {WORKER}; cd worker/$worker; echo mine >> telemetry; echo more >> telemetry
        grep -c -x -e mine -e more telemetry""",
    "kill": f"""{SPAWN}; {WORKER}; cat worker/$worker/telemetry > /dev/null
        echo "{{\\"kill\\":\\"$worker\\"}}" > queen/ctl; cd worker; cat $worker/telemetry""",
    "appenders": """for who in a b; do
            (for n in $(seq LINES); do echo PLACE-$who-$n-whole >> log/queen.log; done) &
        done; wait; grep -c -x 'PLACE-[ab]-[0-9]*-whole' log/queen.log; grep -c PLACE- log/queen.log
        for who in a b; do grep -x "PLACE-$who-.*" log/queen.log | cut -d- -f3 | sort -n -c; done""",
    "readers": """for n in 1 2 3 4; do
            (cat proc/boot log/queen.log | grep -e PLACE- -e manifest | md5sum) &
        done | sort -u | wc -l""",
    "tail": """followed=$(mktemp); tail -n 0 -f log/queen.log > $followed & tail=$!
        tries=100
        until [ $(grep -c -x 'PLACE followed' $followed) -ge 3 ] || [ $tries = 0 ]; do
            echo PLACE followed >> log/queen.log; tries=$((tries - 1)); sleep 0.1
        done
        kill $tail; grep -x 'PLACE followed' $followed | head -n 3; rm $followed""",
}
"""Step → script. LINES and PLACE are filled in."""

REFUSED = (
    "mkdir x",
    "mkdir log/x",
    "rmdir worker",
    "touch x",
    "touch proc/boot",
    "rm -f proc/boot",
    "rm -f log/queen.log",
    "mv proc/boot x",
    "mv log logs",
    "ln proc/boot x",
    "ln -s boot proc/x",
    "mkfifo x",
    "chmod 777 queen/ctl",
    "chown 1:1 queen/ctl",
    "truncate -s 1 log/queen.log",
    "truncate -s 0 proc/boot",
    "touch log/queen.log",
    "echo x > x",
    "echo x > proc/x",
    "echo x > proc/boot",
    "echo x >> proc/boot",
    "echo x > worker",
    "cat worker",
    "cat nothing",
    "cat nothing/x",
    "cat proc/boot/x",
    f"cat {'x' * 65}",
    f"cat {'x' * 256}",
)
"""What fails. Root is stopped by the hive alone, not by mode bits."""


class Outcome(NamedTuple):
    """How a step ended."""

    status: int
    said: str

    @property
    def reason(self) -> str:
        """The part that Linux decides: what programs say after the last colon of their last line."""
        return self.said.rstrip("\n").rpartition("\n")[2].rpartition(": ")[2]


def script(place: str, *, lines: int) -> str:
    """All steps, one after the other, from the top of a hive. `place` is a word that tells the runs of one
    hive apart; `lines` each of two appenders writes."""
    steps = STEPS | {command: command for command in REFUSED}
    parts = []
    for name, text in steps.items():
        text = text.replace("LINES", str(lines)).replace("PLACE", place)
        parts.append(f"echo '=== {name}'; (\n{text}\n) 2>&1; status=$?; echo; echo \"--- $status\"\n")
    return "".join(parts)


def outcomes(text: str) -> dict[str, Outcome]:
    """What a run of `script` printed, by step. Names of workers are made the same."""
    found = re.findall(r"^=== (.*)\n((?:.*\n)*?.*)\n--- (\d+)$", text, re.MULTILINE)
    return {
        name: Outcome(int(status), re.sub(r"worker-\d+", "worker-N", said)) for name, said, status in found
    }
