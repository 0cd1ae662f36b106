"""What a unit's SystemCallFilter= and MemoryDenyWriteExecute= do, done to one process: for where no systemd runs."""

import ctypes
import pathlib
import re
import struct
import subprocess

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_MDWE = 38, 22, 65
SECCOMP_MODE_FILTER, MDWE_REFUSE_EXEC_GAIN = 2, 1
EPERM = 1
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
# AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64, and where their numbers are written down.
ARCHITECTURES = {
    "x86_64": (0xC000003E, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": (0xC00000B7, "/usr/include/asm-generic/unistd.h"),
}


def named(group):
    """The system calls of one of systemd's groups."""
    said = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    found = set()
    for word in re.findall(r"^    ([@\w-]+)$", said, re.M):
        found |= named(word) if word.startswith("@") else {word}
    return found


def allowed(lines):
    """The system calls that a unit's SystemCallFilter= lines leave."""
    left = set()
    for line in lines:
        takes = line.startswith("~")
        for word in line.removeprefix("~").split():
            calls = named(word) if word.startswith("@") else {word}
            left = left - calls if takes else left | calls
    # systemd always allows what it needs itself to start the program.
    return left | named("@default") | {"execve"}


def program(names, machine):
    """The filter for the kernel: these calls pass, others give EPERM, calls of another architecture kill."""
    audit, header = ARCHITECTURES[machine]
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", pathlib.Path(header).read_text()))
    step = lambda code, jt, jf, k: struct.pack("HBBI", code, jt, jf, k)
    steps = [step(0x20, 0, 0, 4), step(0x15, 1, 0, audit), step(0x06, 0, 0, KILL), step(0x20, 0, 0, 0)]
    for name in sorted(names & numbers.keys()):
        steps += [step(0x15, 0, 1, int(numbers[name])), step(0x06, 0, 0, ALLOW)]
    return b"".join([*steps, step(0x06, 0, 0, ERRNO | EPERM)])


def hold(filter_bytes):
    """Puts the filter on this process and all that it starts; no memory becomes code from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(filter_bytes, len(filter_bytes))

    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    prog = Program(len(filter_bytes) // 8, ctypes.addressof(buffer))
    if libc.prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_MDWE: Linux 6.3 or newer is needed")
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(prog), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
