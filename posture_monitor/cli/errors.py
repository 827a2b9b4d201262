"""How an error is told: what went wrong in the user's world is one line and status 2."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

import click

from posture_monitor.cli.kit import VERBOSE, Group
from posture_monitor.errors import UserError

#: What a shell reports for a program ended by Ctrl-C.
INTERRUPTED = 130


class Root(Group):
    """The group of all commands."""

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        """Read the arguments; ``--help`` and ``--version`` are printed already here."""
        with _in_one_line():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _in_one_line():
            result = super().invoke(ctx)
            if sys.stdout is not None:
                sys.stdout.flush()  # a full disk is to show now, not when Python ends
            return result


class _Told(click.ClickException):
    exit_code = 2

    def show(self, file: Any = None) -> None:
        _complain(f"posture-monitor: {' '.join(self.message.split())}\n")


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn errors of the user's world into one line and status 2."""
    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None
    except UserError as error:
        _trace()
        raise _Told(str(error)) from error
    except OSError as error:
        # A full disk or a file that may not be read is the machine's state, not a fault in the
        # program; without a file's name it may be one, and then the traceback is wanted.
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
        wrong = error.errno == errno.EINVAL and error.filename is None
        if sys.platform == "win32" and wrong and _into_pipe():
            # So Windows calls a pipe whose reader, such as `more`, has gone (python/cpython#79935).
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from error
        if error.errno == errno.ENOENT and error.filename is None and not _somewhere():
            raise _Told("the folder you are in was deleted; go to another one and try again") from error
        if error.errno == errno.EPIPE or (error.filename is None and not full):
            raise
        _trace()
        if error.filename is None:
            _give_up(sys.stdout)
        raise _Told(f"{error.filename or 'cannot write'}: {error.strerror or error}") from error


def _into_pipe() -> bool:
    """Return whether a pipe takes what is printed; else a wrong argument is one, as of a time before 1970."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return stat.S_ISFIFO(os.fstat(sys.stdout.fileno()).st_mode)
    return False


def _somewhere() -> bool:
    """Return whether the folder that this was started in is still there."""
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def _give_up(stream: TextIO | None) -> None:
    """Let Python end in peace where what is still to be written has no room."""
    with contextlib.suppress(OSError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]  # suppressed


def _complain(text: str) -> None:
    try:
        click.echo(text, err=True, nl=False)
    except OSError:  # errors may go to a full disk, too
        _give_up(sys.stderr)


def _trace() -> None:
    context = click.get_current_context(silent=True)
    if context is not None and context.find_root().meta.get(VERBOSE):
        _complain(traceback.format_exc())
