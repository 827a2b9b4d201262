"""The one error a user is meant to read."""

from __future__ import annotations

from posture_monitor.plain_text import plain


class UserError(Exception):
    """Bad input or a missing need, told in one line: what is wrong, where, and what to do.

    The command line prints it without a traceback and leaves with status 2;
    ``-v`` shows the traceback as well.
    """

    def __str__(self) -> str:
        """Return the line; it may hold what a file or a camera says of itself."""
        return plain(super().__str__())
