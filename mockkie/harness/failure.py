"""What the error of a test says, and where it was raised. Knows no target."""

from __future__ import annotations

from pathlib import Path


def counting(error: BaseException, kind: type[BaseException] = AssertionError) -> BaseException:
    """The error that counts of a group: what was found, rather than why no more was asked."""
    while isinstance(error, BaseExceptionGroup):
        found, _ = error.split(kind)
        error = (found or error).exceptions[0]
    return error


def sentence(error: BaseException | None) -> str:
    """The first line of an error."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else ""
    return text if isinstance(error, AssertionError) and text else f"{type(error).__name__}: {text}"


def held_again(first: BaseException) -> str:
    """Why nothing is said of what failed once only."""
    if isinstance(first, AssertionError):
        return f"it failed once ({sentence(first)}) and held the second time"
    return "the same steps were answered otherwise the second time"


def place(path: Path, error: BaseException | None) -> str:
    """The line of the suite that found something: the innermost one in the test's own file."""
    lines, trace = [], error.__traceback__ if error else None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    return f"{path.name}:{lines[-1]}" if lines else ""
