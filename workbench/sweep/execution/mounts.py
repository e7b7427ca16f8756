"""What the system's table of mounts says of a folder's disk: who else may see it, and how far its locks reach."""

from __future__ import annotations

from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
# File systems of one machine, on which its own locks are enough.
_LOCAL = (
    "ext2", "ext3", "ext4", "xfs", "btrfs", "bcachefs", "f2fs", "zfs", "jfs", "reiserfs", "overlay", "tmpfs", "ramfs",
    "vfat", "exfat", "ntfs3", "squashfs", "rootfs", "aufs",
)  # fmt: skip
# With these options of NFS, SMB and Lustre a program gets its locks, and programs on other machines get them too.
_LOCKS_OF_ONE_MACHINE = {"nolock", "local_lock=all", "local_lock=posix", "nobrl", "localflock"}


def is_shared(folder: Path) -> bool:
    """Whether a folder is on a file system that other machines may see; False where the system does not say."""
    kind, _ = _mount(folder)
    return kind not in _LOCAL


def locks_reach_all(folder: Path) -> bool:
    """Whether everybody who sees a folder sees its locks; True where the system does not say."""
    kind, options = _mount(folder)
    return kind in _LOCAL or not _LOCKS_OF_ONE_MACHINE & options


def _mount(folder: Path) -> tuple[str, set[str]]:
    """The kind of the file system on which a folder is, and its options; those of a local disk if it is not known."""
    unknown: tuple[str, set[str]] = "ext4", set()
    try:
        lines = [line.split(" - ") for line in _MOUNTS.read_text("utf-8", "replace").splitlines()]
        mounts = {_unescaped(before.split()[4]): after.split() for before, after in lines}
        place = folder.resolve()
        found = next((mounts[str(one)] for one in (place, *place.parents) if str(one) in mounts), None)
        return (found[0], set(found[2].split(","))) if found else unknown
    except (OSError, ValueError, IndexError):
        return unknown


def _unescaped(place: str) -> str:
    """A mount point of the system's table, which writes a blank as \\040."""
    return place.encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "replace")
