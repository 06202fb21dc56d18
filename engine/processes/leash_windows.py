"""The leash on Windows: a job object that ends its members when its last handle closes. **Untested**: written from the
documentation (Microsoft Learn, "Job Objects", "JOBOBJECT_EXTENDED_LIMIT_INFORMATION"); no Windows machine was at hand.

The program is put into the job right after its start; a descendant that it starts in that moment is missed. A suspended start
would close the gap but ``subprocess`` closes the thread handle that is needed to resume it. ``pywin32`` was rejected as a
dependency for four calls.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

assert sys.platform == "win32"  # noqa: S101 - tells the type checker that the rest is not for other systems

_KILL_ON_JOB_CLOSE = 0x2000
_EXTENDED_LIMIT_INFORMATION = 9
_PROCESS_SET_QUOTA_AND_TERMINATE = 0x0100 | 0x0001
_CREATE_NEW_PROCESS_GROUP = 0x0200
_CREATE_NO_WINDOW = 0x08000000


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("per_process_user_time", ctypes.c_int64),
        ("per_job_user_time", ctypes.c_int64),
        ("limit_flags", ctypes.c_uint32),
        ("minimum_working_set", ctypes.c_size_t),
        ("maximum_working_set", ctypes.c_size_t),
        ("active_process_limit", ctypes.c_uint32),
        ("affinity", ctypes.c_size_t),
        ("priority_class", ctypes.c_uint32),
        ("scheduling_class", ctypes.c_uint32),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("basic", _BasicLimits),
        ("io_counters", ctypes.c_uint64 * 6),
        ("process_memory_limit", ctypes.c_size_t),
        ("job_memory_limit", ctypes.c_size_t),
        ("peak_process_memory", ctypes.c_size_t),
        ("peak_job_memory", ctypes.c_size_t),
    )


class WindowsLeash:
    """A job object."""

    def __init__(self) -> None:
        self._kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        self._kernel.CreateJobObjectW.restype = ctypes.c_void_p
        self._kernel.OpenProcess.restype = ctypes.c_void_p
        self._job = ctypes.c_void_p(self._kernel.CreateJobObjectW(None, None))
        self._check(bool(self._job.value))
        limits = _ExtendedLimits()
        limits.basic.limit_flags = _KILL_ON_JOB_CLOSE
        size = ctypes.sizeof(limits)
        self._check(self._kernel.SetInformationJobObject(self._job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), size))

    @property
    def process_group(self) -> int | None:
        """Windows has none."""
        return None

    @property
    def creation_flags(self) -> int:
        """A console group of its own, so that Ctrl-Break reaches it alone, and no window."""
        return _CREATE_NEW_PROCESS_GROUP | _CREATE_NO_WINDOW

    def hold(self, pid: int) -> None:
        """Put the program into the job."""
        process = ctypes.c_void_p(self._kernel.OpenProcess(_PROCESS_SET_QUOTA_AND_TERMINATE, False, pid))
        self._check(bool(process.value))
        try:
            self._check(self._kernel.AssignProcessToJobObject(self._job, process))
        finally:
            self._kernel.CloseHandle(process)

    def ask(self, pid: int) -> None:
        """Ctrl-Break; llama.cpp's programs end on it."""
        try:
            os.kill(pid, signal.CTRL_BREAK_EVENT)
        except OSError:  # it has no console, or is gone: the next rung decides
            return

    def terminate(self) -> None:
        """Windows knows no polite request to a whole job: end it."""
        self.kill()

    def kill(self) -> None:
        """End everything in the job."""
        self._kernel.TerminateJobObject(self._job, 1)

    def let_go(self) -> None:
        """Close the job, which ends what is left in it."""
        if self._job.value:
            self._kernel.CloseHandle(self._job)
            self._job = ctypes.c_void_p(None)

    def _check(self, worked: bool | int) -> None:
        if not worked:
            raise ctypes.WinError(ctypes.get_last_error())
