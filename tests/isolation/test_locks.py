"""The filter of system calls, interpreted as the kernel would: what is refused, and what is let through."""

from __future__ import annotations

import errno
import os
import platform
import sys

import pytest

from npreg.isolation.inside import locks

PID = 4321
COLUMNS = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
ALLOWED = {"read": (0, 63), "write": (1, 64), "openat": (257, 56), "mmap": (9, 222), "exit_group": (231, 94)}
ALLOW, NO_PERMISSION, NO_SUCH_CALL = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS


def answer(program: list[tuple[int, int, int, int]], architecture: int, number: int, *arguments: int) -> int:
    """Interpret a classic BPF program on one system call, by the rules of the kernel's seccomp_filter.rst.

    The data are: the call's number (offset 0), the architecture (4), the arguments (from 16, 8 bytes each).
    """
    data = {0: number, 4: architecture}
    data |= {16 + 8 * i: value & 0xFFFFFFFF for i, value in enumerate((*arguments, 0, 0, 0, 0, 0, 0)[:6])}
    place, accumulator = 0, 0
    while True:
        operation, if_true, if_false, constant = program[place]  # a jump beyond the end is an IndexError
        place += 1
        if operation == 0x06:
            return constant
        if operation == 0x20:
            accumulator = data[constant]
        elif operation == 0x15:
            place += if_true if accumulator == constant else if_false
        elif operation == 0x35:
            place += if_true if accumulator >= constant else if_false
        else:
            raise AssertionError(f"an operation {operation:#x} that the interpreter does not know")


@pytest.fixture(params=sorted(COLUMNS))
def ask(request):
    column, architecture = COLUMNS[request.param]
    program = locks.filter_program(column, architecture, PID)

    def call(numbers, *arguments, architecture=architecture):
        number = numbers if isinstance(numbers, int) else numbers[column]
        return answer(program, architecture, number, *arguments)

    return call


def test_the_calls_of_the_list_are_refused(ask):
    for name, numbers in locks.REFUSED.items():
        if min(numbers) >= 0:
            assert ask(numbers) == NO_PERMISSION, name


def test_ordinary_calls_are_allowed(ask):
    for name, numbers in ALLOWED.items():
        assert ask(numbers) == ALLOW, name


def test_a_signal_may_be_sent_to_oneself_alone(ask):
    for name, numbers in locks.SELF_ONLY.items():
        assert ask(numbers, PID) == ALLOW, name
        for other in (0, 1, PID + 1, -1, -PID):
            assert ask(numbers, other) == NO_PERMISSION, (name, other)


def test_limits_are_changed_on_oneself_alone(ask):
    assert ask(locks.PRLIMIT, 0) == ALLOW
    assert ask(locks.PRLIMIT, 1) == NO_PERMISSION


def test_no_other_process_is_named_as_the_receiver_of_signals(ask):
    assert ask(locks.FCNTL, 3, 1) == ALLOW
    for command in locks.FCNTL_OWNER_COMMANDS:
        assert ask(locks.FCNTL, 3, command) == NO_PERMISSION


def test_unknown_calls_and_processors_do_not_exist(ask):
    assert ask(locks.CLONE3) == NO_SUCH_CALL
    assert ask(locks.FIRST_UNKNOWN) == NO_SUCH_CALL
    assert ask(0x40000000 | ALLOWED["read"][0]) == NO_SUCH_CALL  # x86-64's other numbering
    assert ask(ALLOWED["read"], architecture=0x40000003) == NO_SUCH_CALL  # its 32-bit calls


def test_the_interpreter_sees_a_hole():
    """Test the tester: a filter without one refusal lets that call through."""
    column, architecture = COLUMNS["x86_64"]
    program = locks.filter_program(column, architecture, PID)
    number = locks.REFUSED["ptrace"][column]
    place = program.index((0x15, 0, 1, number))
    assert answer(program, architecture, number) == NO_PERMISSION
    assert answer(program[:place] + program[place + 2 :], architecture, number) == ALLOW


def test_the_numbers_are_this_machines():
    """Held against the kernel's own table, where its headers are installed."""
    headers = {"x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"}.get(platform.machine())
    if headers is None or not os.path.exists(headers):
        pytest.skip("the kernel's own table comes with its headers, which are not installed for this processor")
    with open(headers) as file:
        lines = [line.split() for line in file if line.startswith("#define __NR_")]
    numbers = {words[1].removeprefix("__NR_"): int(words[2]) for words in lines}
    known = {**locks.REFUSED, **locks.SELF_ONLY, "fcntl": locks.FCNTL, "prlimit64": locks.PRLIMIT}
    assert {name: numbers[name] for name in known} == {name: number for name, (number, _) in known.items()}


def test_elsewhere_nothing_is_locked_and_said_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert locks.restrict_files([], []) == 0
    assert not locks.restrict_calls()
