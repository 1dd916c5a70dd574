"""`mount.fuse.ninedoor`: what mount(8) and fstab call for file systems of type fuse.ninedoor.

    mount.fuse.ninedoor SOURCE DIR [-sfnvr] [-N NAMESPACE] [-t TYPE] [-o OPTIONS]

SOURCE is the path of a manifest, the URL of a hive that another process serves, or any word without a slash
(`ninedoor`, `none`) for the default manifest.
Options that `ninedoor mount` knows as --NAME are given as NAME=VALUE and taken out; all others go to the
mount itself, which ignores the generic ones.
"""

import getopt
import sys
from collections.abc import Sequence

from ninedoor.cli.exits import Exit
from ninedoor.cli.main import main as ninedoor
from ninedoor.cli.values import URLS

OWN_OPTIONS = (
    "manifest", "state", "listen", "console", "console-token-file", "role", "ticket", "deadline",
    "log-format", "log-level", "log-file",
)  # fmt: skip

OWN_SWITCHES = ("beyond-loopback",)

USAGE = "usage: mount.fuse.ninedoor SOURCE DIR [-sfnvr] [-N NAMESPACE] [-t TYPE] [-o OPTIONS]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Mount as a daemon, as mount(8) expects; returns an exit status of mount(8)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        flags, places = getopt.gnu_getopt(given, "sfnvrhN:t:o:", ["help"])
    except getopt.GetoptError as failure:
        sys.stderr.write(f"mount.fuse.ninedoor: {failure.msg}\n{USAGE}\n")
        return Exit.USAGE
    names = {name for name, _ in flags}
    if names & {"-h", "--help"}:
        sys.stdout.write(f"{USAGE}\n")
        return Exit.OK
    if len(places) != 2:
        sys.stderr.write(f"{USAGE}\n")
        return Exit.USAGE
    if "-f" in names:
        return Exit.OK  # mount --fake: everything but the mount itself
    options = [option for name, value in flags if name == "-o" for option in value.split(",") if option]
    if "-r" in names:
        options.append("ro")
    return ninedoor(translate(places[0], places[1], options))


def translate(source: str, mountpoint: str, options: Sequence[str]) -> list[str]:
    """The arguments of `ninedoor` that mount `source` on `mountpoint` with `options` (one option each)."""
    command = ["mount", "--daemon"]
    places = [mountpoint]
    if source.startswith(URLS):
        places.append(source)
    elif "/" in source:
        command += ["--manifest", source]
    others = []
    for option in options:
        name, equals, value = option.partition("=")
        name = name.replace("_", "-")
        if equals and name in OWN_OPTIONS:
            command += [f"--{name}", value]
        elif not equals and name in OWN_SWITCHES:
            command += [f"--{name}"]
        else:
            others.append(option)
    if others:
        command += ["-o", ",".join(others)]
    return [*command, "--", *places]


if __name__ == "__main__":
    sys.exit(main())
