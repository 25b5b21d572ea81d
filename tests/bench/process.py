"""What a process and its children have used, read from /proc.

A worker may end and be reaped between two readings; its time then moves from its own file
to its parent's. Every figure here is therefore taken from a moment in which that did not
happen, so nothing is counted twice or lost.
"""
import os

TICKS = os.sysconf("SC_CLK_TCK")


def stat(pid):
    """The fields of /proc/PID/stat behind the name, or None once the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def children(pid):
    """Process ids of the living children of `pid`."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat(name)
            if fields and int(fields[1]) == pid and fields[0] not in (b"Z", b"X"):
                found.append(int(name))
    return sorted(found)


def cpu_seconds(pid):
    """User and system time of `pid`, its children and those it has reaped."""
    while True:
        before = stat(pid)
        kids = children(pid)
        stats = [stat(kid) for kid in kids]
        after = stat(pid)
        if before is None or after is None:
            raise ProcessLookupError(f"process {pid} has ended")
        if None not in stats and before[13:15] == after[13:15] and kids == children(pid):
            break
    ticks = sum(int(field) for field in after[11:15])  # utime stime cutime cstime
    ticks += sum(int(field) for fields in stats for field in fields[11:13])
    return ticks / TICKS


def status_kib(pid, name):
    """A line of /proc/PID/status that is in KiB (VmHWM, VmRSS); 0 once it is gone."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


def pss_kib(pid):
    """Proportional set size; 0 where it cannot be read."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0
