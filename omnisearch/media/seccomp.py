"""seccomp: deny this process the system calls that decoding media never needs.

The filter is a classic BPF program over `struct seccomp_data` (include/uapi/linux/seccomp.h). It refuses a list of
calls with EPERM and allows a few only with certain arguments. It answers unknown calls, and calls whose arguments it
cannot inspect, with ENOSYS, as an old kernel would. Calls of another architecture end the process.
"""

import ctypes
import errno
import os
import struct
import sys
from dataclasses import dataclass

from omnisearch.media import libc

# Name, number on x86_64, number on aarch64 ("-": it has no such call).
_REFUSED = """
socket 41 198  socketpair 53 199  connect 42 203  bind 49 200  listen 50 201  accept 43 202  accept4 288 242

execve 59 221  execveat 322 281  fork 57 -  vfork 58 -  kill 62 129  tkill 200 130  rt_sigqueueinfo 129 138
rt_tgsigqueueinfo 297 240  ptrace 101 117  process_vm_readv 310 270  process_vm_writev 311 271
process_madvise 440 440  process_mrelease 448 448  pidfd_open 434 434  pidfd_getfd 438 438
pidfd_send_signal 424 424  kcmp 312 272  setpriority 141 140  ioprio_set 251 30  migrate_pages 256 238
move_pages 279 239

setns 308 268  unshare 272 97  chroot 161 51  pivot_root 155 41  mount 165 40  umount2 166 39
move_mount 429 429  mount_setattr 442 442  open_tree 428 428  fsopen 430 430  fsconfig 431 431  fsmount 432 432
fspick 433 433

bpf 321 280  perf_event_open 298 241  userfaultfd 323 282  io_uring_setup 425 425  io_uring_enter 426 426
io_uring_register 427 427  add_key 248 217  request_key 249 218  keyctl 250 219  init_module 175 105
finit_module 313 273  delete_module 176 106  kexec_load 246 104  kexec_file_load 320 294  reboot 169 142
swapon 167 224  swapoff 168 225  acct 163 89  quotactl 179 60  quotactl_fd 443 443  syslog 103 116
settimeofday 164 170  adjtimex 159 171  clock_settime 227 112  clock_adjtime 305 266  sethostname 170 161
setdomainname 171 162  iopl 172 -  ioperm 173 -

shmget 29 194  shmat 30 196  shmctl 31 195  semget 64 190  semop 65 193  semtimedop 220 192  semctl 66 191
msgget 68 186  msgsnd 69 189  msgrcv 70 188  msgctl 71 187  mq_open 240 180  mq_unlink 241 181

creat 85 -  truncate 76 45  rename 82 -  renameat 264 38  renameat2 316 276  link 86 -  linkat 265 37
symlink 88 -  symlinkat 266 36  unlink 87 -  unlinkat 263 35  mkdir 83 -  mkdirat 258 34  rmdir 84 -
mknod 133 -  mknodat 259 33  chmod 90 -  fchmod 91 52  fchmodat 268 53  fchmodat2 452 452  chown 92 -
lchown 94 -  fchown 93 55  fchownat 260 54  utime 132 -  utimes 235 -  futimesat 261 -  utimensat 280 88
setxattr 188 5  lsetxattr 189 6  fsetxattr 190 7  removexattr 197 14  lremovexattr 198 15  fremovexattr 199 16
open_by_handle_at 304 265  name_to_handle_at 303 264  fanotify_init 300 262  inotify_init 253 -
inotify_init1 294 26  inotify_add_watch 254 27
"""
_NEWEST = 462  # mseal of Linux 6.10; the list above does not cover later calls

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column of a table, AUDIT_ARCH_*

_LOAD, _EQUAL, _GREATER, _AND, _RETURN = 0x20, 0x15, 0x25, 0x54, 0x06
_ALLOW, _FAIL, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_CLONE3 = 435
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020000


@dataclass(frozen=True)
class _Condition:
    """A call that is allowed only if its masked argument equals `value`."""

    numbers: tuple[int, int]
    argument: int
    mask: int
    value: int


def install() -> str:
    """Apply the filter to the calling thread, which must have set no_new_privs, and to all threads that it starts.

    Returns:
        The operations that the filter covers.

    Raises:
        OSError: the kernel does not accept a filter, or this architecture has no list of calls.
    """
    machine = os.uname().machine
    if machine not in _ARCHITECTURES or sys.maxsize < 1 << 32:
        raise OSError(errno.ENOSYS, "no list of system calls for this architecture", machine)
    code = _program(machine, os.getpid())
    memory = ctypes.create_string_buffer(code)
    libc.call("prctl", _PR_SET_SECCOMP, _MODE_FILTER, struct.pack("@HP", len(code) // 8, ctypes.addressof(memory)))
    return "sockets, programs, processes, names and modes of files, kernel interfaces"


def refused(machine: str) -> dict[str, int]:
    """The calls that the filter refuses with EPERM for any arguments: name -> number."""
    column, _ = _ARCHITECTURES[machine]
    words = _REFUSED.split()
    calls = zip(words[::3], words[1 + column :: 3], strict=True)
    return {name: int(number) for name, number in calls if number != "-"}


def _conditions(pid: int) -> list[_Condition]:
    return [
        _Condition((56, 220), 0, _CLONE_THREAD | _CLONE_NAMESPACES, _CLONE_THREAD),  # clone: threads only
        _Condition((234, 131), 0, 0xFFFFFFFF, pid),  # tgkill: this process only, as abort does
        _Condition((302, 261), 0, 0xFFFFFFFF, 0),  # prlimit64: this process only
        _Condition((16, 29), 1, 0xFF00, ord("T") << 8),  # ioctl: of terminals; those of files change their attributes
    ]


def _program(machine: str, pid: int) -> bytes:
    column, audit = _ARCHITECTURES[machine]
    refuse, absent = _FAIL | errno.EPERM, _FAIL | errno.ENOSYS
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, audit, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_GREATER, _NEWEST, 0, 1),  # also all of x32, the other way to call an x86_64 kernel
        _step(_RETURN, absent),
        _step(_EQUAL, _CLONE3, 0, 1),  # its flags are in memory, which a filter cannot read
        _step(_RETURN, absent),
    ]
    for number in refused(machine).values():
        steps += [_step(_EQUAL, number, 0, 1), _step(_RETURN, refuse)]
    for condition in _conditions(pid):
        steps += _where(condition.numbers[column], condition)
    return b"".join([*steps, _step(_RETURN, _ALLOW)])


def _where(number: int, condition: _Condition) -> list[bytes]:
    return [
        _step(_EQUAL, number, 0, 5),
        _step(_LOAD, _ARGUMENTS + 8 * condition.argument),  # the lower half: both architectures are little endian
        _step(_AND, condition.mask),
        _step(_EQUAL, condition.value, 0, 1),
        _step(_RETURN, _ALLOW),
        _step(_RETURN, _FAIL | errno.EPERM),
    ]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)  # struct sock_filter
