"""Nothing leaves this machine: every network call of a real run is traced and looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from program import fresh_home, program
from real_model import real_model
from recording_maker import filmed
from syscalls import strays

from posture_monitor.sensing import uploads

PORTRAIT = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"

LOOPBACK = '7 connect(6, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}, 16) = -1'
LOOPBACK_6 = (
    "7 connect(6, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
    'inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 0'
)
DNS = '7 connect(6, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("10.0.0.53")}, 16) = 0'
SENT = (
    '8 sendto(5, "ab}", 3, MSG_NOSIGNAL, {sa_family=AF_INET, sin_port=htons(53), '
    'sin_addr=inet_addr("9.9.9.9")}, 16) = 3'
)


@pytest.mark.parametrize(
    ("trace", "expected"),
    [
        ("7 socket(AF_INET, SOCK_DGRAM, IPPROTO_IP) = 3\n7 +++ exited with 0 +++", 0),
        (LOOPBACK, 0),
        (LOOPBACK_6, 0),
        (LOOPBACK_6.replace("::1", "::ffff:127.0.0.1"), 0),
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/run/user/0/bus"}, 110) = 0', 0),
        ("7 bind(3, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 0", 0),
        (DNS, 1),
        (DNS.replace("7 ", "[pid  7] ", 1), 1),
        (SENT, 1),
        (LOOPBACK_6.replace("::1", "2001:db8::1"), 1),
        (LOOPBACK_6.replace("::1", "::ffff:9.9.9.9"), 1),
        (LOOPBACK.replace("127.0.0.1", "0.0.0.0"), 1),
        ("7 connect(3, {sa_family=AF_VSOCK, svm_cid=0x2, svm_port=0x400}, 16) = 0", 1),
        (f"{DNS.rpartition(')')[0]} <unfinished ...>\n8 close(3) = 0\n7 <... connect resumed>) = 0", 1),
        (f"{DNS.rpartition(')')[0]} <unfinished ...>\n7 +++ exited with 0 +++", 1),
        (f"7 recvfrom(6,  <unfinished ...>\n8 close(3) = 0\n7 <... recvfrom resumed>{SENT[9:]}", 1),
        (f"{LOOPBACK}\n{DNS}\n{SENT}", 2),
    ],
)
def test_the_trace_is_read_right(trace: str, expected: int) -> None:
    assert len(strays(trace)) == expected


OURS = """
import sys, time
from pathlib import Path
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.pose import PoseEstimator
bundle, portrait = Path(sys.argv[1]), cv2.imread(sys.argv[2])
began = time.monotonic()
with PoseEstimator(bundle, stills=False) as estimator:
    while (t_s := time.monotonic() - began) < 1.0:
        assert len(estimator.detect(portrait, t_s)) == 1
        time.sleep(0.25)
time.sleep(1.5)  # closing makes it report as well
"""

# The same without our guard, so that a trace that shows nothing is known to mean something.
BARE = """
import sys, time
from posture_monitor.sensing.opencv import cv2
import mediapipe as mp
vision = mp.tasks.vision
options = vision.PoseLandmarkerOptions(base_options=mp.tasks.BaseOptions(model_asset_path=sys.argv[1]))
rgb = cv2.cvtColor(cv2.imread(sys.argv[2]), cv2.COLOR_BGR2RGB)
with vision.PoseLandmarker.create_from_options(options) as landmarker:
    for _ in range(3):
        landmarker.detect(mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb))
time.sleep(1.5)
"""


class Traced:
    """A Python process under strace."""

    def __init__(self, folder: Path, script: str, **environment: str) -> None:
        self.file = folder / f"{id(self)}.trace"
        self.process = subprocess.Popen(
            [
                *("strace", "-f", "-e", "trace=network", "-o", self.file),
                *(sys.executable, "-c", script, real_model(), PORTRAIT),
            ],
            stderr=subprocess.PIPE,
            text=True,
            env={
                **{name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")},
                **environment,
            },
        )

    def trace(self) -> str:
        """Wait for the end and return the trace."""
        _, errors = self.process.communicate(timeout=180)
        assert self.process.returncode == 0, errors
        return self.file.read_text(errors="replace")


@pytest.mark.usefixtures("strace")
def test_nothing_leaves_this_machine(tmp_path: Path) -> None:
    bare = Traced(tmp_path, BARE)
    ours = Traced(tmp_path, OURS)
    # A user's exceptions from a proxy must not open the door.
    excepted = Traced(
        tmp_path, OURS, NO_PROXY="*", no_proxy="googleapis.com", HTTPS_PROXY="http://9.9.9.9:80"
    )
    assert strays(bare.trace()), "without the guard nothing was sent either, so this test shows nothing"
    for run in (ours, excepted):
        trace = run.trace()
        assert strays(trace) == []
        assert 'htons(9), sin_addr=inet_addr("127.0.0.1")' in trace, "the upload was not even tried"


@pytest.mark.slow
@pytest.mark.usefixtures("strace")
def test_no_command_reaches_beyond_this_machine(tmp_path: Path) -> None:
    home, file, clip = fresh_home(tmp_path / "home"), tmp_path / "trace", filmed(tmp_path / "clip.avi", 10)
    tried = 0
    for command in (
        ("calibrate", "--source", clip, "--seconds", "6"),
        ("analyze", clip, "--calibrate-first", "5", "-o", tmp_path / "rows.csv"),
        ("run", "--source", clip),
        ("report", "-o", tmp_path / "page.html"),
        ("data", "export", tmp_path / "out"),
        ("doctor",),
    ):
        ended = program(*command, home=home, under=("strace", "-f", "-e", "trace=network", "-o", str(file)))
        # Without a camera `doctor` says so.
        assert ended.returncode == 0 or command == ("doctor",), ended.stdout + ended.stderr
        trace = file.read_text(errors="replace")
        assert strays(trace) == [], command
        tried += f"htons({uploads.PORT})" in trace
    assert tried >= 3, "the uploads were not even tried"
