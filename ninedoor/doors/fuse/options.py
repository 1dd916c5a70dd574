"""Mount options: what `-o`, mount(8) and fstab may say, and what reaches the kernel of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ninedoor.errors import NineDoorError

FILESYSTEM_TYPE = "fuse.ninedoor"
"""What /proc/self/mountinfo and `df -T` call a mount of ours."""

_SUBTYPE = "ninedoor"

_ALWAYS = frozenset({"default_permissions", "nodev", "noexec", "nosuid", f"subtype={_SUBTYPE}"})
"""The kernel decides by mode bits who may open what, before the session is asked; nothing here is a device or
a program, whatever the options say."""

_GENERIC = frozenset(
    {
        "_netdev", "async", "atime", "auto", "default_permissions", "defaults", "dev", "diratime",
        "dirsync", "exec", "group", "lazytime", "loud", "mand", "noatime", "noauto", "nodev", "nodiratime",
        "noexec", "nofail", "nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid", "nouser",
        "nousers", "owner", "relatime", "silent", "strictatime", "suid", "sync", "user", "users",
    }
)  # fmt: skip
"""Options of mount(8) and fstab(5) that any helper is handed; they change nothing here."""

_OURS = "allow_other, auto_unmount, fsname=NAME, ro, rw"

_GENERIC_PREFIXES = ("x-", "comment=", "context=", "subtype=")


class MountError(NineDoorError):
    """A directory cannot become, or cease to be, a mount: one line that says what to do about it."""


@dataclass(frozen=True, slots=True)
class MountOptions:
    """`allow_other`: users besides the one who mounts may enter, as far as modes let them. `auto_unmount`:
    fusermount3 stays behind and unmounts should the daemon be killed. `fsname`: the source shown by df."""

    allow_other: bool = False
    auto_unmount: bool = False
    read_only: bool = False
    fsname: str = "ninedoor"

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "MountOptions":
        """From the values of any number of `-o`, each a list with commas; what comes later wins. Generic
        options are ignored. Raises MountError for any other word."""
        options = cls()
        for word in ",".join(texts).split(","):
            options = _with(options, word.strip())
        return options

    def for_fuse(self) -> set[str]:
        """As `pyfuse3.init` wants them."""
        words = {"allow_other": self.allow_other, "auto_unmount": self.auto_unmount, "ro": self.read_only}
        escaped = self.fsname.replace("\\", "\\\\").replace(",", "\\,")
        return {word for word, chosen in words.items() if chosen} | _ALWAYS | {f"fsname={escaped}"}


def _with(options: MountOptions, word: str) -> MountOptions:
    if word == "allow_other":
        return replace(options, allow_other=True)
    if word == "auto_unmount":
        return replace(options, auto_unmount=True)
    if word in ("ro", "rw"):
        return replace(options, read_only=word == "ro")
    name, _, value = word.partition("=")
    if name == "fsname" and value and value.isascii() and value.isprintable():
        return replace(options, fsname=value)
    if not word or word in _GENERIC or word.startswith(_GENERIC_PREFIXES):
        return options
    raise MountError(f"mount option {word!r} is not known, only {_OURS} and those of mount(8)")
