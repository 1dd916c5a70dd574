"""What follows the options in each command's help: notes, examples, and the tables of the root page."""

from collections.abc import Mapping

from ninedoor.cli.exits import MEANINGS, OWN_MEANINGS, Exit


def _table(meanings: Mapping[Exit, str]) -> str:
    return "\n".join(f"  {int(status):<4}{text}" for status, text in meanings.items())


EXIT_STATUS = _table(MEANINGS)
"""Of the programs beside `ninedoor`."""

OWN_EXIT_STATUS = _table(OWN_MEANINGS)
"""Of `ninedoor` itself."""

ENVIRONMENT = """\
  NINEDOOR_MANIFEST      manifest to use where --manifest is not given
  NINEDOOR_HIVE          hive to use where --hive is not given
  NINEDOOR_RUNTIME_DIR   where mounts and served hives are registered; by default
                         /run/ninedoor for root, else
                         $XDG_RUNTIME_DIR/ninedoor"""

FIRST_STEPS = """\
  ninedoor doctor                is all here that a mount needs?
  ninedoor mount ./mnt           serve a hive on ./mnt until Ctrl-C
  ninedoor status
  ninedoor umount ./mnt"""

ROOT = f"""examples:
{FIRST_STEPS}

Each command has examples of its own: ninedoor COMMAND --help.

exit status:
{OWN_EXIT_STATUS}

environment:
{ENVIRONMENT}"""

MOUNT = """Without a URL the hive is in this process: without --state it lives in memory
and is gone once it is unmounted; with --listen others can attach to it too, and
--console serves a line console.

With a URL the hive is in another process, and --manifest, --state, --listen and
--console are for that one. Over TCP it wants a ticket; on a unix socket its own
user is the queen without one. When the connection is lost it is made again;
calls wait for that until the deadline, and `ninedoor status` says so. A hive that
refuses to let it in again, for half a minute, ends it with an error.

Without --daemon it stays in the foreground: the first Ctrl-C (or SIGTERM)
unmounts cleanly, also while files are open; a second one forces. SIGUSR1 writes
what every task is doing to the log. A mount that a killed ninedoor left behind
is recognised and cleared.

In fstab, with mount.fuse.ninedoor linked into /sbin (the source is a manifest,
the word ninedoor for the stock one, or a URL):
  /etc/ninedoor/root_task.toml /mnt/hive fuse.ninedoor state=/var/lib/ninedoor 0 0
  tcp://127.0.0.1:5640 /mnt/far fuse.ninedoor ticket=/etc/ninedoor/far.ticket 0 0

examples:
  ninedoor mount ./mnt
  ninedoor mount --daemon --state /var/lib/ninedoor -o allow_other /mnt/hive
  ninedoor mount --manifest hive.toml --ticket worker-1.ticket ./worker-1
  ninedoor mount ./mnt --listen unix:hive.sock --listen 'tcp://127.0.0.1:5640?profile=linux'
  ninedoor mount ./mnt --console tcp://127.0.0.1:31337 --console-token-file console.token
  ninedoor mount ./far unix:hive.sock
  ninedoor mount ./far tcp://127.0.0.1:5640 --ticket queen.ticket --deadline 5"""

SERVE = """Listens on the manifest's [[listeners]], on every --listen URL, and on the
sockets that systemd hands over (LISTEN_FDS). TCP port 0 takes any free port,
which is then shown. The options of a URL are the keys of [[listeners]]:
profile, sessions, fids, handshake_ms, idle_ms, stall_ms. The profile is strict
unless it says linux, which is what `mount -t 9p` needs.

Over TCP every attach needs a ticket; on a unix socket the daemon's own user may
be the queen without one.

A console has lines instead of 9P: tcp://host:port (framed, after the token),
unix:/path, pty: (a new terminal, whose path is shown) or serial:/dev/ttyS0, with
?baud=115200. Other options of its URL are the keys of [[consoles]]: clients,
auth_ms, idle_ms, stall_ms. A queen there needs no ticket.

The first Ctrl-C (or SIGTERM, or `ninedoor stop`) ends
it cleanly; a second one forces.

examples:
  ninedoor serve --listen unix:hive.sock
  ninedoor serve --daemon --state /var/lib/ninedoor --listen tcp://127.0.0.1:5640
  ninedoor serve --listen 'tcp://127.0.0.1:5640?profile=linux&idle_ms=60000'
  ninedoor serve --console unix:hive.console --console 'serial:/dev/ttyS0?baud=115200'
  ninedoor serve --console tcp://127.0.0.1:31337 --console-token-file console.token"""

STOP = """Returns once the process has written what it keeps and is gone. What a mount
has open is closed; `ninedoor umount` refuses then.

examples:
  ninedoor stop ./mnt
  ninedoor stop unix:hive.sock
  ninedoor stop tcp://127.0.0.1:5640"""

UMOUNT = """Returns once the hive has written what it keeps. A mount with open
files is busy: close them, or use --lazy.

examples:
  ninedoor umount ./mnt
  ninedoor umount --lazy ./mnt"""

STATUS = """KIND is mount (the hive is in the mount's process), serve (sockets only) or
remote (a mount of the hive that SOCKETS names). What does not answer within two
seconds is shown as such; status never hangs on it. Of a remote mount without
connection, CONDITION says for how long and why.

examples:
  ninedoor status
  ninedoor status --json"""

TOP = """Workers with their rings and what is left to them, leases of GPUs, refusals by
kind, and the end of the log. Any way to the hive will do: a mount, its socket,
its console. What the manifest does not serve is left out.

keys: q quit, p pause, o next order, + and - faster and slower, r look now

examples:
  ninedoor top
  ninedoor top ./mnt --order ring
  ninedoor top tcp://hive:5640 --ticket queen.ticket
  ninedoor top console://hive:31337 --console-token-file token --ticket queen.ticket
  ninedoor top unix:hive.sock --once
  ninedoor top unix:hive.sock --json --interval 10 >> hive.jsonl"""

TICKET = """examples:
  ninedoor ticket mint --role queen --ttl-s 3600
  ninedoor ticket show token.ticket"""

MINT = """Only the token is printed. Budgets not given are the role's own:
worker-gpu 64 operations and 120 s, other workers 1000 ticks, 10000 operations
and 300 s, queen none. The word none lifts a budget.

examples:
  ninedoor ticket mint --role worker-heartbeat --subject worker-1
  ninedoor ticket mint --role queen --ttl-s 3600 --scope /log:read:10 --scope /queen:write
  ninedoor ticket mint --role worker-gpu --subject worker-2 --secret-file gpu.secret"""

SHOW = """The seal is checked against --secret-file or the manifest's secrets; a
ticket that neither made is shown as unverified. Secrets and seals are never
printed.

examples:
  ninedoor ticket show token.ticket
  ninedoor ticket mint --role queen | ninedoor ticket show -"""

FRAMES = """examples:
  ninedoor frames cat ./mnt/worker/worker-1/telemetry"""

FRAMES_CAT = """Frames, text, or both: what is neither is passed over, and that is told on standard
error. A ring drops bytes and not frames, so what it retains may begin with the
rest of one. Standard input is shown as it comes.

With --json each finding is one line: a frame with its six members, or text,
skipped and reason, lost and next. offset is where in the file it begins.

examples:
  ninedoor frames cat ./mnt/worker/worker-1/telemetry
  ninedoor frames cat --json copy.bin | jq .payload
  tail -c +1 -f ./mnt/worker/worker-1/telemetry | ninedoor frames cat -"""

TELEMETRY = """examples:
  ninedoor telemetry pull ./mnt --out pulled"""

PULL = """One line for each segment: saved when something of it was fetched, kept when the
file was complete already. What is interrupted is continued the next time; until
a segment is whole its file is called .partial.

examples:
  ninedoor telemetry pull ./mnt --out pulled
  ninedoor telemetry pull unix:hive.sock --out pulled
  ninedoor telemetry pull tcp://127.0.0.1:5640 --ticket queen.ticket --out pulled"""

GPU = """A terminal gets tables, a pipe gets lines, and --json is for programs.

examples:
  ninedoor gpu list
  ninedoor gpu run --gpu GPU-0 -- python3 train.py"""

GPU_LIST = """examples:
  ninedoor gpu list
  ninedoor gpu list --hive ./mnt --json
  ninedoor gpu list --hive tcp://127.0.0.1:5640 --ticket queen.ticket"""

GPU_STATUS = """The latest state of each job that the GPU's status still tells of.

examples:
  ninedoor gpu status --gpu GPU-0
  ninedoor gpu status --gpu GPU-0 --json | jq .lease"""

GPU_LEASE = """A GPU has one lease at a time. It ends after --ttl-s seconds, when its worker has
done --ops operations, and with ninedoor gpu release.

examples:
  ninedoor gpu lease --gpu GPU-0 --mem-mb 1024 --streams 2 --ttl-s 600
  ninedoor gpu lease --gpu GPU-0 --ttl-s 600 --ops 100000 --json"""

GPU_RELEASE = """Jobs that have not ended fail; results stay until the GPU is leased again.

examples:
  ninedoor gpu release --gpu GPU-0"""

GPU_SUBMIT = """A queen submits on behalf of whoever has the GPU; a worker, with its role and
ticket, to the GPU it has leased itself.

examples:
  ninedoor gpu submit --gpu GPU-0 jobs.json
  ninedoor gpu submit --gpu GPU-0 --kernel vadd --payload ab.f32 --out sum.f32
  ninedoor gpu submit --gpu GPU-0 --kernel matmul --shape 4,8,2 --payload ab.f32 --wait
  ninedoor gpu submit --gpu GPU-0 --kernel vadd --payload ab.f32 --input /updates/7/payload"""

GPU_RUN = """The lease ends with the command, whose exit status this is. NINEDOOR_GPU and
NINEDOOR_WORKER tell the command what it has. Where it starts and ends a line is
left in the GPU's status.

examples:
  ninedoor gpu run --gpu GPU-0 -- nvidia-smi
  ninedoor gpu run --gpu GPU-0 --mem-mb 4096 --ttl-s 86400 -- python3 train.py
  ninedoor gpu run --gpu GPU-0 --existing -- ./step-2"""

MODELS = """examples:
  ninedoor models list
  ninedoor models activate vision-base-v1
  ninedoor models rollback"""

MODELS_LIST = """examples:
  ninedoor models list
  ninedoor models list --hive unix:hive.sock --json"""

MODELS_ACTIVATE = """One write replaces the pointer: who reads it finds the old model or the new one.

examples:
  ninedoor models activate vision-base-v1
  ninedoor models activate --hive ./mnt vision-lora-edge"""

MODELS_ROLLBACK = """The model that was active before is active again; a second rollback undoes the
first.

examples:
  ninedoor models rollback"""

DOCTOR = """examples:
  ninedoor doctor
  ninedoor doctor --state /var/lib/ninedoor
  ninedoor doctor --listen tcp://127.0.0.1:5640
  ninedoor doctor --console serial:/dev/ttyS0
  ninedoor doctor --state /var/lib/ninedoor --repair"""

CAS = """examples:
  ninedoor cas list /var/lib/ninedoor
  ninedoor cas verify /var/lib/ninedoor"""

CAS_LIST = """A hive may run on the directory meanwhile.

examples:
  ninedoor cas list /var/lib/ninedoor
  ninedoor cas list --json /var/lib/ninedoor | jq '.epochs[].name'"""

CAS_VERIFY = """Reads everything. A hive may run on the directory meanwhile; it does the same by
itself when it starts and once a day, and puts what is damaged into quarantine.
The exit status is 2 when something is wrong.

examples:
  ninedoor cas verify /var/lib/ninedoor"""

CAS_GC = """For a directory that no hive runs on: a running one does it by itself
(cas.store.unused_s). An upload that was interrupted goes on from its chunks, so
recent ones are kept. An epoch that a delta goes on from cannot be dropped.

examples:
  ninedoor cas gc /var/lib/ninedoor
  ninedoor cas gc --drop 41 --older-than 0 /var/lib/ninedoor"""

INIT = """The file has a fresh random secret for every role and says what each of its
keys is for; only its owner can read it. Keys it leaves out have defaults, which
`coh-rtc explain` tells.

examples:
  ninedoor init hive.toml
  ninedoor init --update-key update.key.pub hive.toml
  ninedoor mount --manifest hive.toml ./mnt"""

COMPLETION = """examples:
  ninedoor completion bash > /etc/bash_completion.d/ninedoor
  ninedoor completion zsh > /usr/local/share/zsh/site-functions/_ninedoor"""

COMPILER = f"""examples:
  coh-rtc hive.toml
  coh-rtc hive.toml --cohsh-policy out/cohsh_policy.toml
  coh-rtc explain secure9p.msize
  coh-rtc diff configs/root_task.toml hive.toml

exit status:
{EXIT_STATUS}"""

COMPILE = """Without an option for a file the manifest is only checked. Either all
files are written or none: a manifest with a fault writes nothing.

examples:
  coh-rtc compile hive.toml
  coh-rtc compile configs/root_task.toml --out guest/generated --manifest out/resolved.json
  coh-rtc compile configs/root_task.toml --tree ."""

EXPLAIN = """examples:
  coh-rtc explain
  coh-rtc explain secure9p.msize telemetry.frame_schema
  coh-rtc explain ticket_limits"""

DIFF = """Defaults are filled in first, so a key that is written out with its default
is no difference. Secrets are never shown.

examples:
  coh-rtc diff configs/root_task.toml hive.toml"""

SCHEMA = """taplo and the editors that use it take a schema from a comment at the
beginning of a TOML file: #:schema root_task.schema.json

examples:
  coh-rtc schema > root_task.schema.json"""

COMPILER_COMPLETION = """examples:
  coh-rtc completion bash > /etc/bash_completion.d/coh-rtc
  coh-rtc completion zsh > /usr/local/share/zsh/site-functions/_coh-rtc"""

COMPILER_INIT = """The same as ninedoor init.

examples:
  coh-rtc init hive.toml
  coh-rtc init --full hive.toml"""
