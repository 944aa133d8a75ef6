# SPDX-License-Identifier: GPL-2.0-only
"""One test guest: QEMU with a Debian kernel on the host's files, and the streams out of it."""

import glob
import os
import re
import secrets
import selectors
import shlex
import subprocess

import initrd
import tsc

HERE = os.path.dirname(os.path.realpath(__file__))
REPO = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))

# Under emulation the string instructions that these features promise to be fast are the slowest way to copy.
CPU = "max,la57=off,erms=off,fsrm=off"
KERNEL_ARGS = (
    "console=ttyS0 loglevel=4 panic=-1 oops=panic mitigations=off nokaslr audit=0 apparmor=0 "
    "no_timer_check cryptomgr.notests nmi_watchdog=0 norandmaps random.trust_cpu=on "
    "rcupdate.rcu_cpu_stall_timeout=60 log_buf_len=4M rdinit=/init "
    # What costs time at each page, system call and process. 112 is rep_good: see CPU.
    "clearcpuid=112 init_on_alloc=0 hardened_usercopy=off randomize_kstack_offset=off lsm= "
    "cgroup_disable=memory"
)


class VmError(Exception):
    """The guest cannot be started: a tool, a kernel or a file is missing."""


def quote(text):
    """A word for the shell; also of bytes that are no valid UTF-8."""
    return shlex.quote(text)


class Stream:
    """What comes out of one port: data, then an end mark with the status.

    The mark is told from data by the run's nonce. Data goes on to fd as it comes; only what may be
    the beginning of the mark waits for the rest.
    """

    def __init__(self, pipe, fd, nonce):
        self.pipe, self.fd = pipe, fd
        self.mark = b"\0vtl-end:" + nonce.encode() + b":"
        self.held = b""
        self.status = None

    def _forward(self, data):
        while data:
            data = data[os.write(self.fd, data):]

    def feed(self, data):
        """Takes what was read; self.status is an int once the end mark is whole."""
        self.held += data
        at = self.held.find(self.mark)
        if at < 0:
            at = self.held.rfind(b"\0")
            if at < 0 or not self.mark.startswith(self.held[at:]):
                at = len(self.held)
        self._forward(self.held[:at])
        self.held = self.held[at:]
        done = re.fullmatch(re.escape(self.mark) + rb"(\d+)\n", self.held)
        if done:
            self.status = int(done.group(1))


class Vm:
    """A guest for one job. Use as a context manager: its end is QEMU's end, come what may."""

    def __init__(self, options, work):
        self.options = options
        self.work = work
        self.console = options.console or os.path.join(work, "console")
        self.nonce = secrets.token_hex(16)
        self.streams = []
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends QEMU at once, if it runs."""
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        for stream in self.streams:
            os.close(stream.pipe)
        self.streams = []

    def _kernel(self):
        """(directory, release) of the kernel; fetched if it is a series that the cache has not."""
        if "/" in self.options.kernel:
            return self._own_kernel(os.path.realpath(self.options.kernel))
        command = [os.path.join(os.path.dirname(HERE), "fetch-kernel"), "--dir",
                   self.options.kernel]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              check=False)
        if done.returncode:
            raise VmError(f"no kernel {self.options.kernel}")
        directory = os.fsdecode(done.stdout.strip())
        return directory, os.path.basename(directory)

    @staticmethod
    def _own_kernel(directory):
        releases = glob.glob(os.path.join(directory, "lib/modules/*/modules.dep"))
        if len(releases) != 1 or not os.path.exists(os.path.join(directory, "vmlinux")):
            raise VmError(f"{directory} does not hold vmlinux and lib/modules of one release")
        return directory, os.path.basename(os.path.dirname(releases[0]))

    def _write_job(self, kernel_dir, release, merge):
        """What guest-init reads: assignments for bash."""
        options = self.options
        arrays = {
            "argv": options.command,
            "env": options.env,
            "insmod": [os.path.realpath(path) for path in options.module],
            "shares": [f"vtlshare{n}:{guest}" for n, (_, guest) in enumerate(options.share)],
        }
        values = {
            "release": release,
            "modules": os.path.join(kernel_dir, "lib/modules", release),
            "nonce": self.nonce,
            "cwd": REPO,
            "merge": "1" if merge else "0",
        }
        lines = [f"job_{name}={quote(value)}" for name, value in values.items()]
        lines += [f"job_{name}=({' '.join(map(quote, words))})" for name, words in arrays.items()]
        path = os.path.join(self.work, "job")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("\n".join(lines) + "\n")
        return path

    def _kernel_args(self, job):
        args = [KERNEL_ARGS, f"vtl_init={HERE}/guest-init", f"vtl_job={job}"]
        khz = tsc.frequency_khz()
        if khz:
            args.append(f"tsc_early_khz={khz} tsc=reliable")
        return " ".join(args + self.options.append)

    def _devices(self, ports):
        args = ["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
                "-device", "virtio-9p-pci,fsdev=root,mount_tag=vtlroot"]
        for n, (host, _) in enumerate(self.options.share):
            host = os.path.realpath(host).replace(",", ",,")
            args += ["-fsdev", f"local,id=share{n},path={host},security_model=none,"
                               "multidevs=remap",
                     "-device", f"virtio-9p-pci,fsdev=share{n},mount_tag=vtlshare{n}"]
        for n, disk in enumerate(self.options.disk):
            disk = os.path.realpath(disk).replace(",", ",,")
            args += ["-drive", f"file={disk},format=raw,if=none,id=disk{n},discard=unmap",
                     "-device", f"virtio-blk-pci,drive=disk{n},serial=vtl-disk{n}"]
        args += ["-device", "virtio-serial-pci"]
        for n, (name, fd) in enumerate(ports, 1):
            args += ["-add-fd", f"fd={fd},set={n}",
                     "-chardev", f"file,id={name},path=/dev/fdset/{n},append=on",
                     "-device", f"virtserialport,chardev={name},name=vtl.{name}"]
        return args

    def start(self):
        """Boots the guest. Its output goes to this process's stdout and stderr in run()."""
        kernel_dir, release = self._kernel()
        # One stream keeps the order where the caller does not tell the two apart.
        merge = os.path.sameopenfile(1, 2)
        job = self._write_job(kernel_dir, release, merge)
        image = initrd.build(kernel_dir, release, self.work)
        ports, ends = [], []
        for name, fd in (("out", 1),) if merge else (("out", 1), ("err", 2)):
            read_end, write_end = os.pipe()
            self.streams.append(Stream(read_end, fd, self.nonce))
            ports.append((name, write_end))
            ends.append(write_end)
        console = self.console.replace(",", ",,")
        # setpriv: QEMU must not live on if this process is killed outright.
        command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
                   "-name", "vtl-test", "-M", "pc,usb=off,vmport=off",
                   "-accel", "tcg,thread=multi,tb-size=512", "-cpu", CPU,
                   "-smp", str(self.options.smp), "-m", str(self.options.memory),
                   "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                   "-rtc", "base=utc", "-serial", f"file:{console}",
                   "-kernel", os.path.join(kernel_dir, "vmlinux"), "-initrd", image,
                   "-append", self._kernel_args(job), *self._devices(ports)]
        with open(os.path.join(self.work, "qemu.err"), "wb") as errors:
            try:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                                stdout=errors, stderr=errors, pass_fds=ends)
            except OSError as err:
                raise VmError(f"cannot run QEMU: {err}") from err
            finally:
                for fd in ends:
                    os.close(fd)

    def run(self):
        """Passes output on until the job's end; its status, or None if the guest died."""
        with selectors.DefaultSelector() as selector:
            for stream in self.streams:
                selector.register(stream.pipe, selectors.EVENT_READ, stream)
            while selector.get_map():
                for key, _ in selector.select():
                    data = os.read(key.fd, 1 << 18)
                    if data:
                        key.data.feed(data)
                    if not data or key.data.status is not None:
                        selector.unregister(key.fd)
        if any(stream.status is None for stream in self.streams):
            return None
        return self.streams[0].status

    def last_words(self, lines=120):
        """The end of the console and what QEMU complained of, for a person to read."""
        text = ""
        for path in (self.console, os.path.join(self.work, "qemu.err")):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    tail = file.read()[-100_000:].replace("\r", "").splitlines()[-lines:]
            except OSError:
                continue
            text += "".join(line + "\n" for line in tail)
        return text
