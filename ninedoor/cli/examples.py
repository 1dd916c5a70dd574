"""What follows the options in each command's help: notes, examples, and the tables of the root page."""

from ninedoor.cli.exits import MEANINGS

EXIT_STATUS = "\n".join(f"  {int(status):<4}{text}" for status, text in MEANINGS.items())

ENVIRONMENT = """\
  NINEDOOR_MANIFEST      manifest to use where --manifest is not given
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
{EXIT_STATUS}

environment:
{ENVIRONMENT}"""

MOUNT = """Without a URL the hive is in this process: without --state it lives in memory
and is gone once it is unmounted; with --listen others can attach to it too, and
--console serves a line console.

With a URL the hive is in another process, and --manifest, --state, --listen and
--console are for that one. Over TCP it wants a ticket; on a unix socket its own
user is the queen without one. When the connection is lost it is made again;
calls wait for that until the deadline, and `ninedoor status` says so.

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

DOCTOR = """examples:
  ninedoor doctor
  ninedoor doctor --state /var/lib/ninedoor
  ninedoor doctor --listen tcp://127.0.0.1:5640
  ninedoor doctor --console serial:/dev/ttyS0
  ninedoor doctor --state /var/lib/ninedoor --repair"""

INIT = """The file has a fresh random secret for every role and says what each of its
keys is for; only its owner can read it. Keys it leaves out have defaults, which
`coh-rtc explain` tells.

examples:
  ninedoor init hive.toml
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

COMPILER_INIT = """The same as ninedoor init.

examples:
  coh-rtc init hive.toml
  coh-rtc init --full hive.toml"""
