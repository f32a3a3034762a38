"""Landlock by ctypes: what files a process may open, and that it may reach no network and signal nobody.

Rights are granted to file hierarchies; what no rule names is denied. Every right that the kernel's version knows is
handled, so nothing is allowed by being forgotten. See include/uapi/linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

# Versions from which on the kernel judges a kind of access.
REFER_ABI, TRUNCATE_ABI, NET_ABI, SCOPE_ABI = 2, 3, 4, 6

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}  # how many, by version; 16 from 5 on
_NET_RIGHTS = 0b11  # bind and connect, TCP
_SCOPES = 0b11  # abstract sockets and signals of others

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG = 1 << 4, 1 << 5, 1 << 7, 1 << 8
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_READ = _READ_FILE | _READ_DIR
# No devices, sockets, fifos or links are made, and nothing is executed.
_WRITE = _READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _REFER | _TRUNCATE
_ON_FILES = _WRITE_FILE | _READ_FILE | _TRUNCATE


def abi() -> int:
    """Version of Landlock in this kernel; 0 where there is none, or another system."""
    if not sys.platform.startswith("linux"):
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))))


def restrict(
    version: int,
    *,
    read: Iterable[str],
    listed: Iterable[str],
    write: Iterable[str],
    needed: Iterable[str],
    held: Iterable[str],
) -> None:
    """Binds the calling thread, for good.

    Args:
        version: Of `abi`.
        read: Files, and folders with all that is in them.
        listed: Folders whose names may be read, with those of all folders in them.
        write: Files and folders that may be read and changed.
        needed: Those of the paths that must exist; others are skipped where they do not.
        held: More files to read, in /proc: a rule names an inode, and these vanish under memory pressure unless
            somebody holds them, so their descriptors stay open.

    Raises:
        OSError: The kernel refused, or a needed path can't be opened.
    """
    rules = _RuleSet(version, frozenset(needed))
    for path in read:
        rules.allow(path, _READ)
    for path in listed:
        rules.allow(path, _READ_DIR)
    for path in write:
        rules.allow(path, _WRITE)
    for path in held:
        rules.allow(path, _READ, hold=True)
    rules.bind()


class _RuleSet:
    def __init__(self, version: int, needed: frozenset[str]) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.needed = needed
        self.handled = (1 << _FILE_RIGHTS.get(version, 16)) - 1
        fields = (self.handled, _NET_RIGHTS if version >= NET_ABI else 0, _SCOPES if version >= SCOPE_ABI else 0)
        attributes = struct.pack("=QQQ", *fields)[: 8 if version < NET_ABI else 16 if version < SCOPE_ABI else 24]
        self.fd = self.libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0))
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "Landlock refused a rule set")

    def allow(self, path: str, rights: int, *, hold: bool = False) -> None:
        try:
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            if path in self.needed:
                raise
            return  # not on this machine, or out of reach anyway
        try:
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                rights &= _ON_FILES
            rule = struct.pack("=Qi", rights & self.handled, fd)
            if self.libc.syscall(_ADD_RULE, ctypes.c_int(self.fd), _RULE_PATH_BENEATH, rule, ctypes.c_uint32(0)) != 0:
                raise OSError(ctypes.get_errno(), f"Landlock refused a rule for {path}")
        finally:
            if not hold:
                os.close(fd)

    def bind(self) -> None:
        if self.libc.syscall(_RESTRICT_SELF, ctypes.c_int(self.fd), ctypes.c_uint32(0)) != 0:
            raise OSError(ctypes.get_errno(), "Landlock refused to bind this process")
        os.close(self.fd)
