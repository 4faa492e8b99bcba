"""What a worker may not do: use all memory, reach a network, outlive its parent. What a platform lacks is logged."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import sys
from pathlib import Path

log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MAX_FILES = 512


def die_with_parent() -> None:
    """Be killed when the parent's thread that forked this process goes (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def give_way(niceness: int = 5) -> None:
    """Let pages be drawn before work that goes on behind them, in this process and all it forks."""
    if hasattr(os, "nice"):
        os.nice(niceness)


def leave_network() -> bool:
    """Move this process, and all it forks, to an empty network of its own. False where the kernel does not allow it."""
    if sys.platform != "linux":
        log.warning("workers keep their access to the network: this system has no way to take it away")
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWNET) == 0:
        return True
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        with contextlib.suppress(OSError):
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        return True
    log.warning("workers keep their access to the network: %s", os.strerror(ctypes.get_errno()))
    return False


def memory_budget() -> int:
    """Bytes one worker may allocate: EMBEDVIZ_WORKER_MEMORY_GB, else four fifths of the machine's memory."""
    asked = os.environ.get("EMBEDVIZ_WORKER_MEMORY_GB")
    if asked:
        return int(float(asked) * 2**30)
    return int(0.8 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if hasattr(os, "sysconf") else 0


def memory_left() -> int:
    """Bytes this process can still have: of the system's free memory, and of its own limit; 0 where neither tells."""
    told = []
    if sys.platform == "linux":
        import resource

        lines = Path("/proc/meminfo").read_text().splitlines()
        told += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            told.append(max(0, limit - _mapped()))
    return min(told, default=0)


def _mapped() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def confine() -> None:
    """Bound this process's address space, open files and core dumps."""
    try:
        import resource
    except ImportError:
        log.warning("workers have no memory limit on this system")
        return
    budget = memory_budget()
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_NOFILE, (_MAX_FILES, _MAX_FILES))
    if budget and sys.platform == "linux":
        # What is mapped already (shared libraries, mostly) is not what the limit is for.
        resource.setrlimit(resource.RLIMIT_AS, (_mapped() + budget, _mapped() + budget))


def bound_cpu(seconds: float) -> None:
    """End this process once it has used ``seconds`` more of CPU time, on all its cores together."""
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(usage.ru_utime + usage.ru_stime + seconds * (os.cpu_count() or 1)) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))
