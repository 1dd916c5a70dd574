"""What follows the options in the help of `gpu-bridge-host`, and in its man page."""

from ninedoor.cli.examples import EXIT_STATUS

NOTES = """\
A hive holds no GPU: this program shows it those of its machine, under
/gpu/GPU-0, /gpu/GPU-1 and so on, and computes what leased workers write to
/gpu/<id>/job. Vector addition and matrix multiplication run as OpenCL kernels
(or CUDA kernels, by cupy), each stream in a process of its own: a kernel that
crashes or hangs fails its job and nothing else.

The hive may go away and come back: the bridge attaches again, publishes again,
and reports what it has computed meanwhile. When the bridge itself ends, jobs
that run have 5 s to finish, and then fail with `bridge stopped`; after a kill -9
the next bridge ends them with `bridge restarted`. Jobs that wait are kept.
One bridge serves a hive: a publication is the whole truth about its GPUs."""

TICKET = """\
On a unix socket the hive's own user needs no ticket. Anybody else wants one that
is good for GPUs and updates and for nothing else:
  ninedoor ticket mint --role queen --scope /gpu:read-write \\
      --scope /updates:read > bridge.ticket"""

EXAMPLES = """\
  gpu-bridge-host --list
  gpu-bridge-host --mock --publish --auth-token @console.token
  gpu-bridge-host --run --url unix:/run/hive.sock
  gpu-bridge-host --run --url tcp://127.0.0.1:5640 --ticket @bridge.ticket \\
      --registry /srv/models --log-format json
  gpu-bridge-host --mock --run --url unix:hive.sock --json
  gpu-bridge-host --completion bash > /etc/bash_completion.d/gpu-bridge-host"""

ROOT = f"""{NOTES}

{TICKET}

examples:
{EXAMPLES}

exit status:
{EXIT_STATUS}"""
