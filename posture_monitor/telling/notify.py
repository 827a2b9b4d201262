"""Puts words in front of the user: one small interface over every way to do so.

A channel either shows the notification or raises `ChannelError`; it never looks
like success when nothing was shown. `Notifier` tries its channels in order, so
that an alert falls to the terminal rather than into nothing.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from posture_monitor.errors import UserError
from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.telling.words import Text

_T = TypeVar("_T")

Choice: TypeAlias = Literal["auto", "desktop", "plyer", "terminal"]

#: The buttons of a posture alert, in order; labels are in `words.BUTTONS`.
ALERT_BUTTONS: Final = ("snooze", "reanchor", "wrong")

#: For how many seconds a desktop shows one.
SHOWN_FOR_S: Final = 20
#: A desktop that takes longer than this to answer (seconds) will not show anything in time either.
PATIENCE_S: Final = 5.0

#: Notifications that can still be withdrawn; older ones are forgotten.
_REMEMBERED: Final = 50


class ChannelError(Exception):
    """This channel cannot show notifications now; the message says why, in one line."""


@dataclass(frozen=True)
class Sent:
    """A notification that was shown.

    Attributes
    ----------
    id
        For `withdraw`, `replace_id` and to match actions; unique in this process.
    channel
        Name of the channel that showed it.
    """

    id: str
    channel: str


@dataclass(frozen=True)
class Action:
    """What the user did with a notification.

    Attributes
    ----------
    sent_id
        Which notification.
    name
        ``snooze``, ``reanchor`` or ``wrong`` for a button, ``clicked`` for the
        notification itself, ``dismissed`` when it was closed by hand.
    """

    sent_id: str
    name: str


class Channel(ABC):
    """A way to show notifications; what is not said of it, it cannot do."""

    name: str

    def check(self) -> None:
        """Raise `ChannelError` where this channel cannot work here."""
        return

    @abstractmethod
    def send(self, text: Text, *, replace_id: str | None = None, buttons: Sequence[str] = ()) -> Sent:
        """Show a notification, in place of an earlier one if asked.

        Parameters
        ----------
        text
            Plain text; the channel escapes what its desktop would take for markup.
        buttons
            Keys of `words.BUTTONS`; left out where the channel has no buttons.

        Raises
        ------
        ChannelError
            It was not shown.
        """
        ...

    def withdraw(self, sent_id: str) -> None:
        """Take a notification down, if it is still there and the channel can."""
        return

    def poll(self) -> list[Action]:
        """Return what the user has done since the last call. Never blocks."""
        return []

    def close(self) -> None:
        """Let go of the desktop. Safe to call twice."""
        return


class Notifier:
    """Shows each notification on the first of its channels that works.

    Attributes
    ----------
    channels
        In order of preference.
    name
        Of the channel that works; `NOT_SHOWN` where none does.
    failures
        Channel name to the reason it last failed; empty when all is well.
    """

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.name = NOT_SHOWN
        self.channels = tuple(channels)
        self.failures: dict[str, str] = {}
        self._sent: dict[str, Channel] = {}

    def check(self) -> None:
        """Find the first channel that works, and take its name; raise `ChannelError` if none does."""
        self._first(lambda channel: channel.check())

    def send(self, text: Text, *, replace_id: str | None = None, buttons: Sequence[str] = ()) -> Sent:
        """Show a notification on the first channel that takes it.

        Raises
        ------
        ChannelError
            None of them did.
        """
        before = self._sent.get(replace_id) if replace_id is not None else None
        channel, sent = self._first(
            lambda channel: channel.send(
                text, replace_id=replace_id if channel is before else None, buttons=buttons
            )
        )
        if before is not None and replace_id is not None:
            del self._sent[replace_id]
            if before is not channel:
                before.withdraw(replace_id)
        self._sent[sent.id] = channel
        while len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
        return sent

    def withdraw(self, sent_id: str) -> None:
        """Take a notification down where it was shown; an unknown one is passed over."""
        channel = self._sent.pop(sent_id, None)
        if channel is not None:
            channel.withdraw(sent_id)

    def poll(self) -> list[Action]:
        """Return what the user has done on any channel since the last call."""
        return [action for channel in self.channels for action in channel.poll()]

    def close(self) -> None:
        """Let go of every channel."""
        for channel in self.channels:
            channel.close()

    def _first(self, use: Callable[[Channel], _T]) -> tuple[Channel, _T]:
        """Use the first channel that can be used so, and return it and what came of it."""
        for channel in self.channels:
            try:
                done = use(channel)
            except ChannelError as error:
                self.failures[channel.name] = str(error)
                continue
            self.failures.pop(channel.name, None)
            self.name = channel.name
            return channel, done
        self.name = NOT_SHOWN
        why = "; ".join(f"{name}: {why}" for name, why in self.failures.items())
        raise ChannelError(why or "there is no channel")


def pick_channel(
    choice: Choice = "auto", *, sound: bool = False, write: Callable[[str], None] | None = print
) -> Notifier:
    """Return the notifier for a choice, checked to work.

    Parameters
    ----------
    choice
        ``auto`` takes the first that works. With any other, the terminal still
        catches what the channel drops later on.
    sound
        Play the desktop's sound with each notification.
    write
        How the terminal channel prints its lines; None where nobody reads them, and there is no such channel.

    Raises
    ------
    UserError
        The channel asked for does not work here.
    """
    from posture_monitor.telling.channels.desktop import Desktop
    from posture_monitor.telling.channels.plyer import Plyer
    from posture_monitor.telling.channels.terminal import Terminal

    channels: list[Channel] = []
    if choice in ("auto", "desktop"):
        channels.append(Desktop(sound=sound))
    if choice in ("auto", "plyer"):
        channels.append(Plyer(sound=sound))
    if write is not None:
        channels.append(Terminal(write))
    notifier = Notifier(channels)
    with contextlib.suppress(ChannelError):
        notifier.check()
    if choice not in ("auto", "terminal") and notifier.name != choice:
        why = notifier.failures.get(choice, "it does not work here")
        notifier.close()
        raise UserError(
            f"alert.channel is {choice!r}, but {why}; set it to 'auto' to use the first channel that works"
        )
    return notifier
