# SPDX-License-Identifier: GPL-2.0-only
"""The initial RAM file system of the test guest.

It holds busybox, the few modules that reach the host's files (virtio, 9p, overlay), and
initramfs-init. It depends on the kernel and on these inputs only, so it is cached beside the kernel
under a name made from their contents: whoever finds the name can use the file, and two builders at
the same time write the same bytes.
"""

import hashlib
import os
import shutil
import stat

# What the guest needs before it has the host's files; modules.dep brings what these stand on.
MODULES = ("virtio_pci", "virtio_console", "virtio_blk", "9pnet_virtio", "9p", "overlay")

HERE = os.path.dirname(os.path.realpath(__file__))


class InitrdError(Exception):
    """Something that an initial RAM file system is made of is missing."""


def _module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def _dependencies(moddir):
    """{name: (path, [paths it needs, the deepest last])} out of modules.dep."""
    table = {}
    with open(os.path.join(moddir, "modules.dep"), encoding="ascii") as file:
        for line in file:
            path, _, needs = line.partition(":")
            table[_module_name(path)] = (path, needs.split())
    return table


def _builtin(moddir):
    with open(os.path.join(moddir, "modules.builtin"), encoding="ascii") as file:
        return {_module_name(line.strip()) for line in file}


def module_files(moddir, names=MODULES):
    """Paths under moddir of the modules named and all they need, in the order to load them."""
    table, builtin, order = _dependencies(moddir), _builtin(moddir), []
    for name in names:
        if name in builtin:
            continue
        if name not in table:
            raise InitrdError(f"{moddir} has no module {name}")
        path, needs = table[name]
        order += [p for p in [*reversed(needs), path] if p not in order]
    return order


class Cpio:
    """A writer of the "newc" archive that the kernel unpacks (initramfs buffer format)."""

    def __init__(self):
        self.parts = []
        self.count = 0

    def _entry(self, name, mode, data):
        self.count += 1
        name = name.encode() + b"\0"
        fields = (self.count, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self.parts += [head, b"\0" * (-len(head) % 4), data, b"\0" * (-len(data) % 4)]

    def directory(self, name):
        self._entry(name, stat.S_IFDIR | 0o755, b"")

    def file(self, name, data, mode=0o755):
        self._entry(name, stat.S_IFREG | mode, data)

    def finish(self):
        self._entry("TRAILER!!!", 0, b"")
        return b"".join(self.parts)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _archive(moddir):
    busybox = shutil.which("busybox")
    if not busybox:
        raise InitrdError("busybox is missing (package busybox-static)")
    cpio = Cpio()
    for name in ("bin", "dev", "proc", "sys", "modules", "lower", "rw", "new"):
        cpio.directory(name)
    cpio.file("bin/busybox", _read(busybox))
    cpio.file("init", _read(os.path.join(HERE, "initramfs-init")))
    names = []
    for path in module_files(moddir):
        names.append(os.path.basename(path))
        cpio.file("modules/" + names[-1], _read(os.path.join(moddir, path)), 0o644)
    cpio.file("modules/order", "".join(f"{name}\n" for name in names).encode(), 0o644)
    return cpio.finish()


def build(kernel_dir, release, fallback_dir):
    """The path of an initrd for the kernel; in fallback_dir if the cache is not writable."""
    data = _archive(os.path.join(kernel_dir, "lib/modules", release))
    name = "initrd-" + hashlib.sha256(data).hexdigest()[:16] + ".img"
    for place in (kernel_dir, fallback_dir):
        path = os.path.join(place, name)
        if os.path.exists(path):
            return path
        try:
            with open(f"{path}.{os.getpid()}", "wb") as file:
                file.write(data)
            os.rename(f"{path}.{os.getpid()}", path)
            return path
        except PermissionError:
            continue
    raise InitrdError(f"cannot write {name}")
