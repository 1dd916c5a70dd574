"""What `-o` may say."""

import pytest

from ninedoor.doors.fuse.options import MountError, MountOptions


def test_nothing_said_is_the_default() -> None:
    assert MountOptions.parse([]) == MountOptions()


def test_options_of_ours_are_understood() -> None:
    parsed = MountOptions.parse(["allow_other,fsname=hive", "auto_unmount", "ro"])

    assert parsed == MountOptions(allow_other=True, auto_unmount=True, read_only=True, fsname="hive")


def test_what_comes_later_wins() -> None:
    assert not MountOptions.parse(["ro,rw"]).read_only
    assert MountOptions.parse(["rw", "ro"]).read_only


GENERIC = (
    "rw", "dev", "suid", "nodev", "nosuid", "noexec", "exec", "_netdev", "noauto", "nofail", "user",
    "users", "owner", "defaults", "noatime", "relatime", "sync", "x-systemd.automount", "x-gvfs-hide",
    "comment=anything", "default_permissions",
)  # fmt: skip


@pytest.mark.parametrize("word", GENERIC)
def test_options_of_mount_and_fstab_are_ignored(word: str) -> None:
    assert MountOptions.parse([word]) == MountOptions()


@pytest.mark.parametrize("word", ["bogus", "allow_other=1", "fsname=", "fsname", "fsname=a\nb", "allow_root"])
def test_any_other_word_is_refused_by_name(word: str) -> None:
    with pytest.raises(MountError) as refused:
        MountOptions.parse([word])

    assert str(refused.value).startswith(f"mount option {word!r} is not known")
    assert "\n" not in str(refused.value)


def test_every_mount_is_a_ninedoor_without_devices_or_programs() -> None:
    options = {"default_permissions", "nodev", "noexec", "nosuid", "subtype=ninedoor", "fsname=ninedoor"}

    assert MountOptions().for_fuse() == options
    assert MountOptions(True, True, True).for_fuse() == options | {"allow_other", "auto_unmount", "ro"}


def test_a_source_with_a_comma_stays_one_option() -> None:
    assert "fsname=a\\,b\\\\c" in MountOptions(fsname="a,b\\c").for_fuse()
