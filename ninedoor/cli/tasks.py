"""What every trio task is doing right now, as text: the answer to SIGUSR1."""

import traceback
from pathlib import Path

import trio

_TRIO = str(Path(trio.__file__).parent)
"""Calls inside trio itself say nothing about what a task of ours waits for."""


def dump_tasks() -> str:
    """The tree of tasks of the running loop, each with its stack, innermost call last.

    Has no checkpoint. Precondition: called from inside `trio.run`.
    """
    root = trio.lowlevel.current_root_task()
    lines = ["trio tasks:"]
    if root is not None:
        _describe(root, 0, lines)
    return "\n".join(lines)


def _describe(task: trio.lowlevel.Task, depth: int, lines: list[str]) -> None:
    indent = "  " * depth
    lines.append(f"{indent}- {task.name}")
    # A generator of (frame, line) pairs: nothing runs, and no local value is shown (it could be a secret).
    stack = traceback.StackSummary.extract(task.iter_await_frames())
    ours = [call for call in stack if not call.filename.startswith(_TRIO)] or stack[-1:]
    lines.extend(f"{indent}    {call.filename}:{call.lineno} in {call.name}" for call in ours)
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            _describe(child, depth + 1, lines)
