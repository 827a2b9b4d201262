"""The channel to the running monitor: what it lets through, what it refuses, and that it outlives abuse."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import random
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import wait_for

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.service import control, control_server, local_pipe, local_socket
from posture_monitor.service.control import NoAnswer, NotRunning, ask
from posture_monitor.service.control_server import CLIENTS, Server
from posture_monitor.service.lending import camera_lent
from posture_monitor.service.protocol import COMMANDS, LONGEST_REQUEST, Malformed, OtherVersion, understood

pytestmark = pytest.mark.usefixtures("home")


class Handler:
    """Remembers what reached it, and answers with the arguments."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.fault: BaseException | None = None
        self.wait = threading.Event()
        self.wait.set()

    def __call__(self, do: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((do, dict(args)))
        self.wait.wait(10)
        if self.fault is not None:
            raise self.fault
        return dict(args)


@pytest.fixture
def handler() -> Handler:
    return Handler()


@pytest.fixture
def server(handler: Handler) -> Iterator[Server]:
    with Server(paths.control_socket(), handler) as running:
        yield running


def say(message: bytes, *, timeout_s: float = 3.0) -> bytes:
    """Send bytes as they are, and return all that comes back until the other end closes."""
    got = b""
    with socket.socket(socket.AF_UNIX) as end:
        end.settimeout(timeout_s)
        end.connect(os.fspath(paths.control_socket()))
        try:
            end.sendall(message)
            end.shutdown(socket.SHUT_WR)
            while piece := end.recv(65536):
                got += piece
        except (BrokenPipeError, ConnectionResetError):
            pass
    return got


def refused(message: bytes) -> str:
    """Return why a message was refused: one line, and then the connection is closed."""
    got = say(message + b"\n" + b'{"v": 1, "do": "status"}\n')
    assert got.count(b"\n") == 1
    answer = json.loads(got)
    assert set(answer) == {"v", "ok", "error"}
    assert (answer["v"], answer["ok"]) == (1, False)
    return str(answer["error"])


def test_a_question_gets_its_answer(server: Server, handler: Handler) -> None:
    assert ask("pause", until_s=12.5) == {"until_s": 12.5}
    assert ask("look") == {"picture": False}
    assert ask("snooze", seconds=60) == {"seconds": 60}
    assert handler.asked[0] == ("pause", {"until_s": 12.5})


def test_several_questions_on_one_connection(server: Server, handler: Handler) -> None:
    got = say(b'{"v":1,"do":"resume"}\n{"v":1,"do":"look","with":{"picture":true}}\n')
    assert [json.loads(line)["result"] for line in got.splitlines()] == [{}, {"picture": True}]


def test_what_the_handler_refuses_is_told_in_one_line(server: Server, handler: Handler) -> None:
    handler.fault = UserError("there is no profile\n'x'")
    with pytest.raises(UserError, match=r"^there is no profile 'x'$"):
        ask("profile", name="x")


def test_a_fault_is_logged_and_not_told(
    server: Server, handler: Handler, caplog: pytest.LogCaptureFixture
) -> None:
    handler.fault = ZeroDivisionError("the inside")
    with pytest.raises(UserError, match=r"^internal error; see `posture-monitor logs`$"):
        ask("reanchor")
    assert "ZeroDivisionError: the inside" in caplog.text
    handler.fault = None
    assert ask("resume") == {}


@pytest.mark.parametrize("result", [{"x": float("nan")}, {"x": object()}, [1], None])
def test_an_answer_that_cannot_be_sent_is_a_fault(result: Any) -> None:
    with (
        Server(paths.control_socket(), lambda do, args: result),
        pytest.raises(UserError, match="internal error"),
    ):
        ask("status")


MALFORMED = [
    (b"hello", "one JSON object"),
    (b"", "one JSON object"),
    (b"\xff\xfe", "one JSON object"),
    (b"[1]", "one JSON object"),
    (b"null", "one JSON object"),
    (b"[" * 60_000, "one JSON object"),
    (b'{"v":1,"do":"snooze","with":{"seconds":NaN}}', "one JSON object"),
    (b'{"do":"status"}', "version"),
    (b'{"v":true,"do":"status"}', "version"),
    (b'{"v":1}', "there is no command None"),
    (b'{"v":1,"do":"format"}', "there is no command 'format'"),
    (b'{"v":1,"do":["status"]}', "there is no command"),
    (b'{"v":1,"do":"' + b"x" * 9000 + b'"}', "there is no command"),
    (b'{"v":1,"do":"status","then":"stop"}', "nothing else"),
    (b'{"v":1,"do":"status","with":[]}', "'with' is an object"),
    (b'{"v":1,"do":"status","with":{"x":1}}', "status takes no 'x'"),
    (b'{"v":1,"do":"snooze"}', "seconds is missing"),
    (b'{"v":1,"do":"snooze","with":{"seconds":"9"}}', "seconds is missing or of the wrong kind"),
    (b'{"v":1,"do":"snooze","with":{"seconds":true}}', "seconds is missing or of the wrong kind"),
    (b'{"v":1,"do":"snooze","with":{"seconds":1e999}}', "seconds is missing or of the wrong kind"),
    (b'{"v":1,"do":"snooze","with":{"seconds":1' + b"0" * 400 + b"}}", "wrong kind"),
    (b'{"v":1,"do":"look","with":{"picture":1}}', "picture is missing or of the wrong kind"),
]


@pytest.mark.parametrize(("message", "why"), MALFORMED, ids=[why for _, why in MALFORMED])
def test_what_is_malformed_never_reaches_the_monitor(
    server: Server, handler: Handler, message: bytes, why: str
) -> None:
    assert why in refused(message)
    assert len(refused(message)) < 200
    assert handler.asked == []


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_message_that_is_too_long_is_refused(server: Server, handler: Handler, end: bytes) -> None:
    padding = b" " * LONGEST_REQUEST
    answer = json.loads(say(b'{"v":1,"do":"stop"}' + padding + end))
    assert answer["error"] == "a request may be 65536 bytes long"
    assert handler.asked == []
    fits = b'{"v":1,"do":"resume"}'
    fits += b" " * (LONGEST_REQUEST - len(fits))
    assert json.loads(say(fits + b"\n"))["ok"] is True


def test_a_message_cut_short_is_none(server: Server, handler: Handler) -> None:
    assert say(b'{"v":1,"do":"stop"}') == b""
    assert handler.asked == []


def test_another_version_is_told_both_and_what_helps(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(b'{"v":7,"do":"status"}')
    assert re_has(told, "version 1", "version 7", "`posture-monitor restart`")
    monkeypatch.setattr(control, "VERSION", 2)
    # Both ends have changed here; the answer of one that has not is read as this.
    with pytest.raises(OtherVersion, match=r"version 1 .* version 2;.*restart"):
        control._result(b'{"v":1,"ok":false,"error":"x"}')


def test_a_monitor_that_knows_no_such_command_yet_says_what_helps(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(COMMANDS, "lend")
    with pytest.raises(OtherVersion, match=r"^the running .* before an update .* `posture-monitor restart`"):
        ask("lend")
    with pytest.raises(OtherVersion), camera_lent("0"):  # where a failing camera would say something else
        pass


def re_has(text: str, *parts: str) -> bool:
    return all(part in text for part in parts)


def test_nobody_there() -> None:
    with pytest.raises(NotRunning, match=r"^not running; `posture-monitor start` starts it$"):
        ask("status")


@pytest.mark.parametrize(
    "answer", [b"", b"{}\n", b"what?\n", b"[]\n", b'{"v":1,"ok":true}\n', b"[" * 9000 + b"\n"]
)
def test_an_answer_that_makes_no_sense_is_one_line(answer: bytes) -> None:
    with pytest.raises(UserError) as told, _one_answer(answer):
        ask("status")
    assert "\n" not in str(told.value)


def test_one_that_hangs_is_told() -> None:
    with _one_answer(None), pytest.raises(NoAnswer, match=r"has not answered within 0\.2 s"):
        ask("status", timeout_s=0.2)


@contextmanager
def _one_answer(answer: bytes | None) -> Iterator[None]:
    """Listen in place of the monitor, and give this answer (None: none)."""
    path = paths.make_private(paths.control_socket().parent) / paths.control_socket().name
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.fspath(path))
        end.listen(1)

        def reply() -> None:
            came, _ = end.accept()
            with came:
                came.recv(65536)
                if answer is None:
                    came.recv(1)  # until the other end goes
                else:
                    came.sendall(answer)

        thread = threading.Thread(target=reply)
        thread.start()
        yield
        thread.join(5)
        assert not thread.is_alive()


def test_that_no_more_files_may_be_open_is_said_once(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket(socket.AF_UNIX) as end:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
        try:
            end.connect(os.fspath(paths.control_socket()))
            time.sleep(0.7)  # it is tried again every 0.2 s
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert ask("look") == {"picture": False}
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said == ["control: Too many open files"]


def test_only_the_user_can_reach_it(server: Server, home: Path) -> None:
    path = paths.control_socket()
    assert path.parent == home
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_another_user_is_refused(handler: Handler) -> None:
    """The socket's own rights are opened up, so that only the kernel's word on the peer is left."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory(dir="/tmp") as open_folder:
        path = Path(open_folder) / "control"
        with Server(path, handler):
            Path(open_folder).chmod(0o755)
            path.chmod(0o666)
            code = (
                "import os, socket, sys; os.setuid(65534); s = socket.socket(socket.AF_UNIX); "
                "s.connect(sys.argv[1]); print(s.recv(999).decode())"
            )
            ended = subprocess.run(
                [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=20
            )
    assert "belongs to another user" in ended.stdout
    assert handler.asked == []


def test_a_folder_of_somebody_else_is_not_used(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    home.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: home.stat().st_uid + 1)
    with pytest.raises(UserError, match="belongs to another user"):
        local_socket.Listener(home / "control")


def test_a_folder_of_everybody_is_not_used_and_not_closed(home: Path) -> None:
    home.mkdir()
    home.chmod(0o1777)
    with pytest.raises(UserError, match="belongs to everybody"):
        local_socket.Listener(home / "control")
    assert stat.S_IMODE(home.stat().st_mode) == 0o1777


def test_a_socket_left_behind_is_replaced_and_one_in_use_is_not(handler: Handler, home: Path) -> None:
    home.mkdir()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(os.fspath(paths.control_socket()))
    assert paths.control_socket().exists()
    with Server(paths.control_socket(), handler):
        with pytest.raises(UserError, match="another program listens at"):
            Server(paths.control_socket(), handler)
        assert ask("resume") == {}
    assert not paths.control_socket().exists()


def test_a_socket_that_was_tidied_away_comes_back(monkeypatch: pytest.MonkeyPatch, handler: Handler) -> None:
    monkeypatch.setattr(local_socket, "CHECK_EVERY_S", 0.05)
    with Server(paths.control_socket(), handler):
        before = len(os.listdir("/proc/self/fd"))
        paths.control_socket().unlink()
        paths.control_socket().parent.rmdir()
        wait_for(lambda: _answers("resume"))
        wait_for(lambda: len(os.listdir("/proc/self/fd")) == before)
    assert not paths.control_socket().exists()


def test_who_leaves_before_it_is_told_who_it_was_stops_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """macOS says nothing of the other end of a connection that is closed."""

    def gone(_end: socket.socket) -> int:
        raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))

    with monkeypatch.context() as mac:
        mac.setattr(local_socket, "_peer_uid", gone)
        with pytest.raises(NotRunning):
            ask("resume")
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(os.fspath(paths.control_socket()))
            assert end.recv(1) == b"", "it is hung up on"
    assert ask("resume") == {}


def test_eight_at_once_and_the_ninth_is_turned_away(server: Server) -> None:
    def connected() -> socket.socket:
        end = socket.socket(socket.AF_UNIX)
        end.connect(os.fspath(paths.control_socket()))
        end.settimeout(3)
        return end

    ends = [connected() for _ in range(CLIENTS)]
    # Each has its thread once it was answered.
    for end in ends:
        end.sendall(b'{"v":1,"do":"resume"}\n')
        assert end.recv(999)
    with pytest.raises(UserError, match="8 others are connected"):
        ask("resume")
    ends.pop().close()
    wait_for(lambda: _answers("resume"))
    for end in ends:
        end.close()


def _answers(do: str) -> bool:
    try:
        ask(do)
    except UserError:
        return False
    return True


def test_one_that_is_slow_is_cut_off_and_nobody_waits_for_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_server, "REQUEST_S", 0.3)
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(os.fspath(paths.control_socket()))
        slow.settimeout(3)
        began_s = time.monotonic()
        gone = False
        while not gone and time.monotonic() - began_s < 3:
            try:
                slow.sendall(b" ")  # a byte now and then does not buy more time
            except BrokenPipeError:
                gone = True
            assert ask("resume") == {}
            time.sleep(0.05)
    assert gone


def test_closing_finishes_what_is_under_way(handler: Handler) -> None:
    server = Server(paths.control_socket(), handler)
    handler.wait.clear()
    told: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: told.append(ask("resume", timeout_s=5)))
    asking.start()
    wait_for(lambda: bool(handler.asked))
    threading.Timer(0.2, handler.wait.set).start()
    server.close()
    asking.join(5)
    assert told == [{}]
    assert not paths.control_socket().exists()
    server.close()  # twice does no harm


def test_closing_does_not_wait_for_those_who_say_nothing(server: Server) -> None:
    with socket.socket(socket.AF_UNIX) as idle:
        idle.connect(os.fspath(paths.control_socket()))
        began_s = time.monotonic()
        server.close()
        assert time.monotonic() - began_s < 0.9


def test_the_same_over_the_other_kind_of_channel(
    handler: Handler, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """`local_pipe` runs on Windows; here the same code of `multiprocessing` goes over a socket."""
    home.mkdir()
    monkeypatch.setattr(control_server, "Listener", local_pipe.Listener)
    for end in (control, control_server):
        monkeypatch.setattr(end, "connect", local_pipe.connect)
    with Server(paths.control_socket(), handler):
        assert ask("pause") == {"until_s": None}
        with pytest.raises(UserError, match="before an update"):
            ask("x")
        with contextlib.closing(local_pipe.connect(paths.control_socket(), 1)) as end:
            with contextlib.suppress(BrokenPipeError):  # it may hang up before it has heard all
                end.write(b" " * (LONGEST_REQUEST + 1), time.monotonic() + 1)
            answer = end.read(999, time.monotonic() + 3)
            assert answer is not None
            assert "may be 65536 bytes long" in json.loads(answer)["error"]
        assert ask("resume") == {}


@pytest.mark.parametrize("length", [20, 300])
def test_the_path_always_fits_a_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, length: int) -> None:
    deep = tmp_path / ("x" * (length // 2)) / ("y" * (length // 2))
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(deep))
    path = paths.control_socket()
    assert len(os.fsencode(path)) <= paths.SOCKET_PATH_BYTES
    assert path == paths.control_socket()
    with Server(path, Handler()):
        assert ask("resume") == {}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(deep / "z"))
    assert paths.control_socket() != path


def test_the_runtime_folder_is_used_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("POSTURE_MONITOR_HOME")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert paths.control_socket() == tmp_path / "posture-monitor" / "control"
    tmp_path.chmod(0o500)  # a unit of systemd may write to our own part of it alone
    assert paths.control_socket() == tmp_path / "posture-monitor" / "control"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    assert paths.control_socket() == paths.data_dir() / "control"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "v": st.just(1) | JSON,
        "do": st.sampled_from(sorted(COMMANDS)) | JSON,
        "with": st.dictionaries(st.sampled_from(["until_s", "seconds", "name", "picture"]), JSON) | JSON,
    },
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(asked=REQUESTS)
def test_whatever_is_asked_is_either_well_formed_or_refused(asked: dict[str, Any]) -> None:
    try:
        do, args = understood(json.dumps(asked).encode())
    except Malformed as why:
        told = str(why)
    else:
        assert set(args) == set(COMMANDS[do])
        for name, value in args.items():
            assert isinstance(value, COMMANDS[do][name].types)
        return
    assert "\n" not in told
    assert len(told) < 200


@settings(max_examples=40)
@given(message=st.binary(max_size=300))
def test_whatever_bytes_come_are_refused(message: bytes) -> None:
    with pytest.raises(Malformed):
        understood(message)


@pytest.mark.slow
def test_a_thousand_random_messages_change_nothing(server: Server, handler: Handler) -> None:
    rng = random.Random(6)
    whole = b'{"v":1,"do":"snooze","with":{"seconds":60}}\n'

    def message() -> bytes:
        kind = rng.randrange(4)
        if kind == 0:
            return rng.randbytes(rng.randrange(2000))
        if kind == 1:  # a good one with some bytes changed
            changed = bytearray(whole)
            for _ in range(rng.randint(1, 5)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            return bytes(changed)
        if kind == 2:
            return whole[: rng.randrange(len(whole))]
        return rng.randbytes(rng.randint(60_000, 200_000))

    def counted() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    assert _answers("resume")
    wait_for(lambda: not server._clients)
    before = counted()
    for number in range(1000):
        sent = message()
        if number % 3:
            say(sent)
        else:  # leave without a word
            with socket.socket(socket.AF_UNIX) as end:
                end.connect(os.fspath(paths.control_socket()))
                end.settimeout(3)
                with suppress(BrokenPipeError, ConnectionResetError):
                    end.sendall(sent)
    wait_for(lambda: counted() == before)
    assert ask("resume") == {}
    assert {do for do, _ in handler.asked} <= {"resume", "snooze"}
