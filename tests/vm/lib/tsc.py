# SPDX-License-Identifier: GPL-2.0-only
"""The frequency of this processor's time stamp counter.

QEMU's emulated processor hands the host's counter through, but tells the guest no frequency. Told
one, the guest keeps time within 0.2 % and skips a slow calibration against an emulated timer.
"""

import ctypes
import mmap
import os
import time

# rdtsc; shl $32,%rdx; or %rdx,%rax; ret
RDTSC = b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3"


def _counter():
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(RDTSC)
    code = ctypes.c_char.from_buffer(page)
    function = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(code))
    function.keep = (page, code)
    return function


def _sample(counter, nanoseconds):
    clock = time.CLOCK_MONOTONIC_RAW
    first, start = counter(), time.clock_gettime_ns(clock)
    time.sleep(nanoseconds / 1e9)
    last, end = counter(), time.clock_gettime_ns(clock)
    return (last - first) * 1e6 / (end - start)


def frequency_khz():
    """The frequency in kHz, or None where two measurements do not agree or none is possible."""
    if os.uname().machine != "x86_64":
        return None
    allowed = os.sched_getaffinity(0)
    try:
        counter = _counter()
        # One processor: the counters of several need not agree.
        os.sched_setaffinity(0, {min(allowed)})
        one, two = _sample(counter, 40_000_000), _sample(counter, 40_000_000)
    except (OSError, ValueError):
        return None
    finally:
        os.sched_setaffinity(0, allowed)
    if two <= 0 or abs(one / two - 1) > 0.001:
        return None
    return round((one + two) / 2)
