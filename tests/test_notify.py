"""Notifications reach a real dunst, intact, and never look sent when they were not."""

from __future__ import annotations

import html
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desktop import Desktop, desktop
from waiting import wait_for

from posture_monitor.errors import UserError
from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.posture import dose, nudge
from posture_monitor.posture.nudge import Alert, Cause, Kind, Nudges, Outcome, Policy, Response
from posture_monitor.posture.reading import Verdict
from posture_monitor.telling import notify, words
from posture_monitor.telling.channels import freedesktop
from posture_monitor.telling.channels.plyer import Plyer
from posture_monitor.telling.channels.terminal import Terminal
from posture_monitor.telling.notify import Action, ChannelError, Notifier, Sent
from posture_monitor.telling.words import Text

ALERT = words.alert_text(Alert(1, Kind.POSTURE, 0.0, Cause("trunk_incl", 18.0), 240.0, 240.0))
AWKWARD = Text('-5° <b>tall</b> &amp; "so"', "--help <i>you</i> & 'it' &lt; \\n \\x 50% 🙂 -u")


@pytest.fixture
def linux() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("the freedesktop notification service is found on Linux only")


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    with desktop(tmp_path_factory.mktemp("desktop")) as desk:
        yield desk


@pytest.fixture
def clear(screen: Desktop) -> Desktop:
    screen.ctl("close-all")
    wait_for(lambda: screen.displayed() == 0)
    return screen


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No session bus at all."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def rendered(entry: dict[str, str]) -> str:
    """Return the body as the screen shows it, from the markup dunst draws."""
    return html.unescape(entry["message"].split("\n", 1)[1])


@pytest.mark.desktop
@pytest.mark.parametrize("choice", ["desktop", "plyer"])
def test_an_alert_arrives(clear: Desktop, choice: notify.Choice) -> None:
    notifier = notify.pick_channel(choice)
    sent = notifier.send(ALERT, buttons=notify.ALERT_BUTTONS)
    assert sent.channel == choice
    wait_for(lambda: clear.displayed() == 1)
    newest = clear.shown()[0]
    assert (newest["appname"], newest["summary"]) == ("Posture monitor", "Trunk forward: 18°")
    assert newest["body"] == ALERT.body
    assert Path(newest["icon_path"]).name == "icon.png"
    notifier.close()


@pytest.mark.desktop
@pytest.mark.parametrize("choice", ["desktop", "plyer"])
def test_awkward_text_arrives_intact(clear: Desktop, choice: notify.Choice) -> None:
    notifier = notify.pick_channel(choice)
    notifier.send(AWKWARD)
    wait_for(lambda: clear.displayed() == 1)
    newest = clear.shown()[0]
    assert newest["summary"] == AWKWARD.title
    assert rendered(newest) == AWKWARD.body
    notifier.close()


@pytest.mark.desktop
@pytest.mark.parametrize("choice", ["desktop", "plyer"])
def test_replaced_and_withdrawn(clear: Desktop, choice: notify.Choice) -> None:
    notifier = notify.pick_channel(choice)
    first = notifier.send(Text("one", "first"))
    wait_for(lambda: clear.displayed() == 1)
    second = notifier.send(Text("two", "second"), replace_id=first.id)
    time.sleep(0.3)
    assert clear.displayed() == 1
    notifier.withdraw(second.id)
    wait_for(lambda: clear.displayed() == 0)
    assert clear.history()[0]["summary"] == "two"
    notifier.withdraw(second.id)  # already gone: passed over
    assert notifier.poll() == []
    notifier.close()


@pytest.mark.desktop
def test_what_cannot_be_taken_down_is_followed_on_the_desktop_all_the_same(
    clear: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_self: object, _sent_id: str) -> None:
        raise ConnectionError("the bus was started anew")

    notifier = notify.pick_channel("desktop")
    first = notifier.send(Text("one", "first"))
    monkeypatch.setattr("desktop_notifier.DesktopNotifier.clear", lost)
    assert notifier.send(Text("two", "second"), replace_id=first.id).channel == "desktop"
    wait_for(lambda: clear.displayed() == 2)
    notifier.close()


@pytest.mark.desktop
@pytest.mark.parametrize("button", notify.ALERT_BUTTONS)
def test_a_button_pressed_is_heard(clear: Desktop, button: str) -> None:
    notifier = notify.pick_channel("desktop")
    sent = notifier.send(ALERT, buttons=notify.ALERT_BUTTONS)
    wait_for(lambda: clear.displayed() == 1)
    clear.press(words.button_text(button))
    assert wait_for(notifier.poll) == [Action(sent.id, button)]
    assert notifier.poll() == []
    notifier.close()


@pytest.mark.desktop
def test_a_bus_that_no_variable_tells_of_is_found(
    clear: Desktop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    socket = os.environ["DBUS_SESSION_BUS_ADDRESS"].removeprefix("unix:path=").partition(",")[0]
    (tmp_path / "bus").symlink_to(socket)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    notifier = notify.pick_channel("desktop")
    assert notifier.send(ALERT, buttons=notify.ALERT_BUTTONS).channel == "desktop"
    notifier.close()


@pytest.mark.desktop
def test_a_click_and_a_close_are_heard(clear: Desktop) -> None:
    notifier = notify.pick_channel("desktop")
    sent = notifier.send(Text("one", "first"))
    wait_for(lambda: clear.displayed() == 1)
    clear.click()
    assert wait_for(notifier.poll) == [Action(sent.id, "clicked")]
    clear.ctl("close-all")
    sent = notifier.send(Text("two", "second"))
    wait_for(lambda: clear.displayed() == 1)
    clear.ctl("close")
    assert wait_for(notifier.poll) == [Action(sent.id, "dismissed")]
    notifier.close()


@pytest.mark.desktop
def test_snooze_pressed_on_the_real_desktop_silences_the_nudges(clear: Desktop) -> None:
    """From a slouch to the notification, its button, and the program's state."""
    notifier = notify.pick_channel("desktop")
    policy = Policy(dose.Policy(30.0), cooldown_s=180.0, max_per_hour=10)
    state, sent = Nudges(), {}
    for t in range(35):
        state, effects = nudge.step(state, policy, t, Verdict.POOR, 1.0, Cause("neck_incl", 22.0))
        for effect in effects:
            if isinstance(effect, Alert):
                shown = notifier.send(words.alert_text(effect), buttons=notify.ALERT_BUTTONS)
                sent[shown.id] = effect.id
    wait_for(lambda: clear.displayed() == 1)
    clear.press("Snooze")
    (action,) = wait_for(notifier.poll)
    assert action.name == "snooze"
    state, effects = nudge.snooze(state, 35.0, 900.0)
    (outcome,) = [e for e in effects if isinstance(e, Outcome)]
    assert outcome.alert_id == sent[action.sent_id]
    assert outcome.response is Response.SNOOZED
    for t in range(35, 35 + 890):
        state, effects = nudge.step(state, policy, t, Verdict.POOR, 1.0)
        assert effects == ()
    notifier.close()


@pytest.mark.desktop
def test_no_sound_unless_asked_for(clear: Desktop) -> None:
    for sound, hints in ((False, ["suppress-sound"]), (True, [])):
        notifier = notify.pick_channel("plyer", sound=sound)
        watch = subprocess.Popen(
            ["dbus-monitor", "--session", "interface='org.freedesktop.Notifications',member='Notify'"],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert watch.stdout is not None
        given_up = threading.Timer(20, watch.kill)
        given_up.start()
        # It tells what name it got and gave back before it listens; last in a notification is its duration.
        assert any("member=NameLost" in line for line in watch.stdout)
        notifier.send(Text("quietly", "now"))
        heard = "".join(itertools.takewhile(lambda line: not line.startswith("   int32"), watch.stdout))
        given_up.cancel()
        watch.kill()
        watch.communicate()
        assert "quietly" in heard
        assert [hint for hint in ("suppress-sound", "sound-name") if hint in heard] == hints


@pytest.mark.desktop
def test_a_missing_daemon_falls_to_the_terminal(tmp_path: Path) -> None:
    lines: list[str] = []
    with desktop(tmp_path, dunst=False):
        notifier = notify.pick_channel("auto", write=lines.append)
        assert notifier.name == "terminal"
        assert "no notification service answers" in notifier.failures["plyer"]
        assert "no notification service answers" in notifier.failures["desktop"]
        assert notifier.send(ALERT).channel == "terminal"
        notifier.close()
    assert ALERT.title in lines[0]
    assert ALERT.body in " ".join(lines[0].split())


@pytest.mark.desktop
def test_a_daemon_that_dies_and_returns(tmp_path: Path) -> None:
    lines: list[str] = []
    with desktop(tmp_path) as desk:
        notifier = notify.pick_channel("auto", write=lines.append)
        assert notifier.send(Text("one", "first")).channel == "desktop"
        desk.stop_dunst()
        assert notifier.send(Text("two", "second")).channel == "terminal"
        desk.start_dunst()
        assert notifier.send(Text("three", "third")).channel == "desktop"
        assert desk.shown()[0]["summary"] == "three"
        notifier.close()
    assert len(lines) == 1


@pytest.mark.usefixtures("linux", "nowhere")
def test_without_any_desktop_auto_is_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    notifier = notify.pick_channel("auto")
    assert notifier.name == "terminal"
    notifier.send(AWKWARD)
    out = capsys.readouterr()
    assert AWKWARD.title in out.out
    assert AWKWARD.body in out.out
    assert out.err == ""
    notifier.close()


@pytest.mark.usefixtures("linux", "nowhere")
@pytest.mark.parametrize("choice", ["desktop", "plyer"])
def test_a_channel_asked_for_that_does_not_work_is_refused(choice: notify.Choice) -> None:
    with pytest.raises(UserError, match=rf"alert\.channel is '{choice}', but .*set it to 'auto'"):
        notify.pick_channel(choice)


@pytest.mark.usefixtures("linux", "nowhere")
@pytest.mark.parametrize("choice", ["auto", "terminal"])
def test_where_nobody_reads_the_terminal_nothing_counts_as_shown(choice: notify.Choice) -> None:
    notifier = notify.pick_channel(choice, write=None)
    assert notifier.name == NOT_SHOWN
    with pytest.raises(ChannelError):
        notifier.send(ALERT)


@pytest.fixture
def programs(clear: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose programs are found first."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def write_notify_send(folder: Path, script: str) -> None:
    (folder / "notify-send").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "notify-send").chmod(0o755)


@pytest.mark.desktop
def test_a_failing_notify_send_is_not_success(programs: Path) -> None:
    write_notify_send(programs, "echo 'cannot connect' >&2; exit 1")
    with pytest.raises(ChannelError, match="notify-send failed: cannot connect"):
        Plyer().send(ALERT)


OLD_NOTIFY_SEND = """
[ "$1" = --help ] && { echo "--urgency --expire-time --icon --category --hint"; exit 0; }
while [ "$1" != -- ]; do
    case "$1" in
        --expire-time=*|--icon=*) shift ;;
        *) echo "Unknown option $1" >&2; exit 1 ;;
    esac
done
shift
printf '%s\\n' "$@" > "$(dirname "$0")/sent"
"""


@pytest.mark.desktop
def test_a_notify_send_from_before_it_could_replace(programs: Path) -> None:
    write_notify_send(programs, OLD_NOTIFY_SEND)
    channel = Plyer()
    first = channel.send(AWKWARD)
    body = freedesktop.escape(AWKWARD.body, freedesktop.capabilities()).replace("\\", "\\\\")
    assert (programs / "sent").read_text() == f"{AWKWARD.title}\n{body}\n"
    second = channel.send(ALERT, replace_id=first.id)
    assert first.id != second.id
    channel.withdraw(second.id)


@pytest.mark.desktop
def test_the_desktop_is_asked_without_any_other_program(
    clear: Desktop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert {"actions", "body"} <= freedesktop.capabilities()
    with pytest.raises(ChannelError, match="notify-send is not installed"):
        Plyer().check()


def test_markup_is_escaped_only_for_services_that_read_it() -> None:
    assert freedesktop.escape("a <b> & c", frozenset({"body-markup"})) == "a &lt;b&gt; &amp; c"
    assert freedesktop.escape("a <b> & c", frozenset({"body"})) == "a <b> & c"


def test_when_nothing_works_it_says_so() -> None:
    def broken(_: str) -> None:
        raise BrokenPipeError("gone")

    with pytest.raises(ChannelError, match="terminal: the terminal takes no more output"):
        Notifier([Terminal(broken)]).send(ALERT)


def test_a_narrow_terminal_has_the_words_under_their_title(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    lines: list[str] = []
    Terminal(lines.append).send(Text("Time to stand", f"{ALERT.body}\nAnd posture-monitor says so."))
    _, title, *body = lines[0].rstrip().split("\n")
    assert title == "» Time to stand"
    assert all(line.startswith("  ") and len(line) <= 30 for line in body)
    assert body[-1] == "  And posture-monitor says so."


class Flaky(Terminal):
    """A channel that is there or not, and remembers what was taken down."""

    name = "flaky"

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.up = True
        self.withdrawn: list[str] = []

    def send(self, text: Text, *, replace_id: str | None = None, buttons: object = ()) -> Sent:
        if not self.up:
            raise ChannelError("down")
        return Sent("flaky-1", self.name)

    def withdraw(self, sent_id: str) -> None:
        self.withdrawn.append(sent_id)


def test_a_replacement_on_another_channel_takes_the_first_one_down() -> None:
    flaky = Flaky()
    lines: list[str] = []
    notifier = Notifier([flaky, Terminal(lines.append)])
    first = notifier.send(ALERT)
    flaky.up = False
    second = notifier.send(ALERT, replace_id=first.id)
    assert (first.channel, second.channel, flaky.withdrawn) == ("flaky", "terminal", ["flaky-1"])
    assert notifier.failures == {"flaky": "down"}
    (printed,) = lines
    assert ALERT.title in printed
    assert not set(printed) & set("●◐▼"), "a sign of a state that may not be the one told of"


def test_what_could_not_be_replaced_can_still_be_taken_down() -> None:
    flaky = Flaky()
    notifier = Notifier([flaky])
    first = notifier.send(ALERT)
    flaky.up = False
    with pytest.raises(ChannelError, match="flaky: down"):
        notifier.send(ALERT, replace_id=first.id)
    notifier.withdraw(first.id)
    assert flaky.withdrawn == [first.id]
