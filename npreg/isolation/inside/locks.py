"""Limits and locks that a process sets on itself, for good, before it runs a student's code; stand-ins for packages.

``resource`` is missing on Windows, and macOS ignores the limit of memory. Landlock (files and TCP) and seccomp (system
calls, for x86-64 and 64-bit ARM) are Linux's. What a system does not have is left out, and said. Who imports a package
that is not there, and never uses it, is not wrong: its use is refused.

Sources: the manual pages landlock(7), seccomp(2), and the kernel's userspace-api/landlock.rst, seccomp_filter.rst.
"""

import contextlib
import ctypes
import errno
import importlib.machinery
import os
import platform
import signal
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any, cast

resource: Any = None
with contextlib.suppress(ImportError):  # before the user changes, who may not reach Python's folder
    resource = importlib.import_module("resource")

SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/urandom")

# Access rights of Landlock, by the version of its interface that introduced them.
READ = 0b1100  # read a file, list a directory
READ_FILE = 0b0100
WRITE_FILE = 0b0010
ALL_FILES = {1: 2**13 - 1, 2: 2**14 - 1, 3: 2**15 - 1, 5: 2**16 - 1}
TRUNCATE = 2**14
TCP_BIND_AND_CONNECT = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38


def _numbers(table: str) -> dict[str, tuple[int, int]]:
    """Read a table of system calls: name, number on x86-64, number on 64-bit ARM ("-", -1: no such call)."""
    rows = (row.replace("-", "-1").split() for row in table.split(";"))
    return {name: (int(x86), int(arm)) for name, x86, arm in rows}


REFUSED = _numbers("""
    socket 41 198; socketpair 53 199; clone 56 220; fork 57 -; vfork 58 -; execve 59 221; execveat 322 281;
    pidfd_send_signal 424 424; pidfd_open 434 434; pidfd_getfd 438 438; shmget 29 194; shmat 30 196; semget 64 190;
    msgget 68 186; mq_open 240 180; chmod 90 -; fchmod 91 52; fchmodat 268 53; chown 92 -; fchown 93 55; lchown 94 -;
    fchownat 260 54; utime 132 -; utimes 235 -; futimesat 261 -; utimensat 280 88; setxattr 188 5; lsetxattr 189 6;
    fsetxattr 190 7; removexattr 197 14; lremovexattr 198 15; fremovexattr 199 16; ptrace 101 117; process_vm_readv 310
    270; process_vm_writev 311 271; process_madvise 440 440; setpgid 109 154; setsid 112 157; mount 165 40; umount2 166
    39; add_key 248 217; request_key 249 218; keyctl 250 219; unshare 272 97; setns 308 268; perf_event_open 298 241;
    open_by_handle_at 304 265; bpf 321 280; userfaultfd 323 282; io_uring_setup 425 425; io_uring_enter 426 426;
    io_uring_register 427 427; prctl 157 167; setpriority 141 140; sched_setattr 314 274; sched_setscheduler 144 119;
    sched_setparam 142 118; sched_setaffinity 203 122; ioprio_set 251 30
""")
# Allowed only with the process's own number as first argument: a signal may be sent to oneself alone.
SELF_ONLY = _numbers("kill 62 129; tkill 200 130; tgkill 234 131; rt_sigqueueinfo 129 138; rt_tgsigqueueinfo 297 240")
PRLIMIT = (302, 261)  # allowed only on oneself, which is process 0 there
FCNTL = (72, 25)  # all but the commands that name another process as the receiver of signals
FCNTL_OWNER_COMMANDS = (8, 10, 15)
CLONE3 = (435, 435)  # answered "no such call", so that the C library takes clone
FIRST_UNKNOWN = 452  # newer calls than this list knows are answered "no such call"

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7), "arm64": (1, 0xC00000B7)}
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
SHOWING = "matplotlib mpl_toolkits pylab seaborn plotly IPython ipywidgets tqdm"
"""Packages that only show things; they never take part in a derivative."""


def lock(settings: dict[str, Any]) -> dict[str, Any]:
    """Set every limit and lock that this system has, and say what is in force."""
    become(settings["uid"])
    in_force = []
    for name, value in settings["limits"].items():
        with contextlib.suppress(AttributeError, OSError, ValueError):  # not every system has every limit
            hard = resource.getrlimit(limit := getattr(resource, name))[1]
            most = value + (name == "RLIMIT_CPU")  # the first stop says why, the second cannot be caught
            pair = (value, most) if hard == resource.RLIM_INFINITY else (min(value, hard), min(most, hard))
            resource.setrlimit(limit, pair)
            in_force.append(name)
    if hasattr(signal, "SIGXFSZ"):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a file too long raises OSError instead of killing
    _prctl(_PR_SET_DUMPABLE, 0)  # no core dumps, and not read by other processes of the same user
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)  # as Landlock and seccomp demand it
    _prctl(_PR_SET_PDEATHSIG, 9)  # killed when the parent ends
    landlock, seccomp = 0, False
    if settings["locks"]:
        readable = [*settings["readable"], os.path.dirname(os.__file__), *SYSTEM]
        landlock, seccomp = restrict_files(readable, [os.getcwd(), "/dev/null"]), restrict_calls()
    uid = os.getuid() if hasattr(os, "getuid") else -1
    processes = not seccomp and (uid == 0 or "RLIMIT_NPROC" not in in_force)
    return {"uid": uid, "limits": in_force, "landlock": landlock, "seccomp": seccomp, "processes": processes}


def become(uid: int | None) -> None:
    """Become the user ``uid`` for good, with its own group and no others (None: stay); ``PermissionError`` if not."""
    if uid is None or not hasattr(os, "setuid"):
        return
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    with contextlib.suppress(PermissionError):
        os.setuid(0)
    users = {os.getuid(), os.geteuid(), os.getgid(), os.getegid()}
    if users != {uid}:  # a student's code must not run as root by accident
        raise PermissionError(f"still user and group {users} after changing to {uid}")


def restrict_files(readable: Iterable[str], writable: Iterable[str]) -> int:
    """Refuse TCP and all files not below ``readable`` or ``writable``; the version of Landlock in force, or 0."""
    version = _syscall(_CREATE_RULESET, None, 0, 1) if sys.platform.startswith("linux") else 0
    if version <= 0:
        return 0
    handled = ALL_FILES[max(known for known in ALL_FILES if known <= version)]
    fields = [handled, TCP_BIND_AND_CONNECT, ABSTRACT_SOCKETS_AND_SIGNALS][: 1 + (version >= 4) + (version >= 6)]
    attributes = struct.pack(f"<{len(fields)}Q", *fields)
    ruleset = _syscall(_CREATE_RULESET, attributes, len(attributes), 0)
    if ruleset < 0:
        return 0
    try:
        for path in readable:
            _allow(ruleset, path, READ & handled)
        for path in writable:
            _allow(ruleset, path, handled & ~1)  # everything but executing
        return version if _syscall(_RESTRICT_SELF, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no permission
    try:
        if not os.path.isdir(path):
            rights &= READ_FILE | WRITE_FILE | TRUNCATE
        _syscall(_ADD_RULE, ruleset, 1, struct.pack("<Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def restrict_calls() -> bool:
    """Refuse system calls for processes, sockets, other processes' signals and file metadata: whether that is so."""
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None or not sys.platform.startswith("linux") or sys.byteorder != "little":
        return False
    code = b"".join(struct.pack("<HBBI", *step) for step in filter_program(*architecture, os.getpid()))
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer)))  # sock_fprog
    return _prctl(_PR_SET_SECCOMP, 2, ctypes.addressof(program))


def filter_program(column: int, architecture: int, pid: int) -> list[tuple[int, int, int, int]]:
    """Return the filter for one processor as (operation, jump if true, jump if false, constant)."""
    ends = (_ERROR | errno.EPERM, _ERROR | errno.ENOSYS, _ALLOW)
    refuse, no_such_call, allow = ((_RETURN, 0, 0, value) for value in ends)
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), no_such_call, (_LOAD, 0, 0, 0)]
    steps += [(_AT_LEAST, 0, 1, FIRST_UNKNOWN), no_such_call, (_EQUAL, 0, 1, CLONE3[column]), no_such_call]
    for number in (numbers[column] for numbers in REFUSED.values() if numbers[column] >= 0):
        steps += [(_EQUAL, 0, 1, number), refuse]
    first_argument, second_argument = (_LOAD, 0, 0, 16), (_LOAD, 0, 0, 24)
    for number, only in [(numbers[column], pid) for numbers in SELF_ONLY.values()] + [(PRLIMIT[column], 0)]:
        steps += [(_EQUAL, 0, 4, number), first_argument, (_EQUAL, 0, 1, only), allow, refuse]
    commands = [step for command in FCNTL_OWNER_COMMANDS for step in ((_EQUAL, 0, 1, command), refuse)]
    steps += [(_EQUAL, 0, len(commands) + 2, FCNTL[column]), second_argument, *commands, allow]
    return [*steps, allow]


def _prctl(*arguments: Any) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    padded = (*arguments, 0, 0, 0, 0)[:5]
    return int(ctypes.CDLL(None).prctl(*(ctypes.c_ulong(argument) for argument in padded))) == 0


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    converted = [ctypes.c_long(one) if isinstance(one, int) else ctypes.c_char_p(one) for one in arguments]
    function = ctypes.CDLL(None).syscall
    function.restype = ctypes.c_long
    return int(function(ctypes.c_long(number), *converted))


class Forbidden(ImportError):
    """The use of a module of a package that is not allowed; ``package`` is its name."""

    def __init__(self, module: str) -> None:
        self.package = module.partition(".")[0]
        told = f"{self.package!r} is not allowed here: derive it by hand and use NumPy only"
        super().__init__(told, name=self.package)


class StandIn(ModuleType):
    """Every attribute, call, item and operation gives another stand-in, until ``closed`` if it could be of use."""

    closed = False
    __path__: list[str] = []  # noqa: RUF012  (a package has one)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._use()

    def _use(self, *args: Any, **kwargs: Any) -> Any:
        if StandIn.closed and self.__name__.partition(".")[0] not in SHOWING.split():
            raise Forbidden(self.__name__)
        return StandIn(self.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not StandIn.closed and len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]  # a decorator leaves the function as it is
        if args and self.__name__.startswith("tqdm"):
            return range(*args) if isinstance(args[0], int) else args[0]
        return self._use()

    def __iter__(self) -> Iterator[Any]:
        return iter([self._use(), self._use()])  # fig, ax = plt.subplots()

    def __exit__(self, *error: object) -> None:
        return None

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise Forbidden(self.__name__)


_OPERATIONS = "enter getitem setitem add radd sub rsub mul rmul truediv rtruediv matmul rmatmul pow neg"
for _operation in _OPERATIONS.split():
    setattr(StandIn, f"__{_operation}__", StandIn._use)


class Finder:
    """Finds stand-ins for ``packages`` and all below them, and the modules of a file's own folder (name: source)."""

    def __init__(self, packages: Iterable[str], sources: Mapping[str, str]) -> None:
        self.packages, self.sources = frozenset(packages), sources

    def find_spec(self, fullname: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        stands_in = fullname.partition(".")[0] in self.packages
        if not stands_in and fullname not in self.sources:
            return None
        package = stands_in or any(name.startswith(f"{fullname}.") for name in self.sources)
        return importlib.machinery.ModuleSpec(fullname, cast(Any, self), is_package=package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return StandIn(spec.name) if spec.name.partition(".")[0] in self.packages else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the source of a module that was sent along."""
        if not isinstance(module, StandIn):
            code = compile(self.sources[module.__name__], f"{module.__name__}.py", "exec", dont_inherit=True)
            exec(code, module.__dict__)


def guard(forbidden: Iterable[str], helpers: Mapping[str, str]) -> None:
    """Put stand-ins in front of the packages ``forbidden`` and of those that only show things."""
    forbidden = frozenset(forbidden)
    finder = Finder([*forbidden, *SHOWING.split()], helpers)
    sys.meta_path.insert(0, cast(Any, finder))
    for name in [name for name in sys.modules if name.partition(".")[0] in forbidden]:
        del sys.modules[name]

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:  # for when the stand-ins are pushed aside
        module = str(arguments[0]) if event == "import" else ""
        aside = not sys.meta_path or sys.meta_path[0] is not finder
        if aside and module.partition(".")[0] in forbidden:
            raise Forbidden(module)

    sys.addaudithook(refuse)  # Python code cannot take it away again
