"""The real model on real pixels, and the manners of what wraps it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import numpy.typing as npt
import pytest
from real_model import real_model

from posture_monitor.errors import UserError
from posture_monitor.posture.landmarks import LEFT_SHOULDER, NOSE, RIGHT_SHOULDER
from posture_monitor.sensing.pose import PoseEstimator, _without_metrics_host

PORTRAIT = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="module")
def portrait() -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(PORTRAIT)), np.uint8)


def test_a_still_has_its_person_where_she_is(portrait: npt.NDArray[np.uint8]) -> None:
    with PoseEstimator(real_model(), stills=True) as estimator:
        people = estimator.detect(portrait)
    assert people.shape == (1, 33, 4)
    assert people.dtype == np.float32
    x, y, _z, visibility = people[0].T
    # By eye, in the 512 x 600 photograph: the tip of the nose.
    assert (x[NOSE], y[NOSE]) == pytest.approx((272 / 512, 225 / 600), abs=0.03)
    # Her left is on the right of a picture that is not mirrored.
    assert x[RIGHT_SHOULDER] < x[NOSE] < x[LEFT_SHOULDER]
    assert visibility[[NOSE, LEFT_SHOULDER, RIGHT_SHOULDER]].min() > 0.9


def test_a_stream_follows_and_forgets_the_person(portrait: npt.NDArray[np.uint8]) -> None:
    nobody = np.zeros_like(portrait)
    with PoseEstimator(real_model(), stills=False) as estimator:
        found = [
            len(estimator.detect(image, i / 5))
            for i, image in enumerate([nobody, portrait, portrait, nobody])
        ]
    assert found == [0, 1, 1, 0]


def test_colours_come_as_opencv_gives_them(portrait: npt.NDArray[np.uint8]) -> None:
    with PoseEstimator(real_model(), stills=True) as estimator:
        people = estimator.detect(portrait)
        assert not np.array_equal(estimator.detect(portrait[..., ::-1]), people)


def test_any_size_and_stride_will_do(portrait: npt.NDArray[np.uint8]) -> None:
    with PoseEstimator(real_model(), stills=True) as estimator:
        whole = estimator.detect(portrait)[0, NOSE, :2] * (512, 600)
        odd = estimator.detect(portrait[:599, :511])[0, NOSE, :2] * (511, 599)
        assert odd == pytest.approx(whole, abs=3)
        flipped = estimator.detect(portrait[:, ::-1])[0, NOSE, :2] * (512, 600)
        assert flipped == pytest.approx((512 - whole[0], whole[1]), abs=6)
        assert estimator.detect(portrait[:1, :1]).shape == (0, 33, 4)


def test_frames_within_a_millisecond_are_told_apart(portrait: npt.NDArray[np.uint8]) -> None:
    times = [5.0, 5.0, 5.0001, 5.2]
    with PoseEstimator(real_model(), stills=False) as estimator:
        ms = []
        for t_s in times:
            assert len(estimator.detect(portrait, t_s)) == 1
            ms.append(estimator._last_ms)
    assert ms == [5000, 5001, 5002, 5200]


def test_it_may_be_closed_twice() -> None:
    estimator = PoseEstimator(real_model(), stills=True)
    estimator.close()
    estimator.close()


@pytest.mark.parametrize("harm", ["missing", "text", "half"])
def test_a_refused_bundle_is_named(tmp_path: Path, harm: str) -> None:
    bundle = tmp_path / "mine.task"
    if harm == "text":
        bundle.write_text("a text")
    elif harm == "half":
        whole = real_model().read_bytes()
        bundle.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"mine\.task") as told:
        PoseEstimator(bundle, stills=True)
    assert "\n" not in str(told.value)


LEFT_OPEN = f"""
import logging, os, sys
from pathlib import Path
import numpy as np
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.pose import PoseEstimator
if "-v" in sys.argv:
    logging.basicConfig()
    logging.getLogger("posture_monitor").setLevel(logging.DEBUG)
settings = dict(os.environ)
kept = [PoseEstimator(Path(sys.argv[1]), stills=stills) for stills in (False, True)]
portrait = cv2.imread({str(PORTRAIT)!r})
for image in (np.zeros_like(portrait), portrait):
    print([len(estimator.detect(image, 0.0)) for estimator in kept])
print("settings kept", settings == dict(os.environ))
print("our own word", file=sys.stderr)
"""


@pytest.mark.parametrize("verbose", [False, True])
def test_the_terminal_stays_clean_even_when_nothing_is_closed(verbose: bool) -> None:
    command = [sys.executable, "-c", LEFT_OPEN, str(real_model()), *(["-v"] if verbose else [])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["[0, 0]", "[1, 1]", "settings kept True"]
    if verbose:
        assert "XNNPACK" in done.stderr  # the chatter that is otherwise held back does exist
        assert "Traceback" not in done.stderr
    else:
        assert done.stderr == "our own word\n"


TURKISH = """
import locale, sys
from pathlib import Path
from posture_monitor.sensing.pose import PoseEstimator
PoseEstimator(Path(sys.argv[1]), stills=True).close()
print(locale.setlocale(locale.LC_CTYPE))
"""


def test_the_model_is_taken_where_the_desktop_speaks_turkish(tmp_path: Path) -> None:
    name = "tr_TR.UTF-8"
    if not Path("/usr/share/i18n/locales/tr_TR").is_file():
        pytest.skip("Debian's package locales is not installed")
    subprocess.run(["localedef", "-i", "tr_TR", "-f", "UTF-8", tmp_path / name], check=True)
    speaks = {**os.environ, "LOCPATH": str(tmp_path), "LC_ALL": name}
    command = [sys.executable, "-c", TURKISH, str(real_model())]
    done = subprocess.run(command, env=speaks, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{name}\n", ""), "and it goes on speaking it"


HELD_BACK = """
import os, sys
from posture_monitor.sensing.pose import _quiet
with _quiet():
    os.write(2, b"half a line INFO: [environment.cc:36] chatter\\n")
    print("our own word", file=sys.stderr)
    os.write(2, b"W0000 00:00:1795527026.379864    8127 landmark_projection_calculator.cc:81] chatter\\n")
print("after", file=sys.stderr)
"""


def test_what_others_say_meanwhile_is_not_lost() -> None:
    done = subprocess.run([sys.executable, "-c", HELD_BACK], capture_output=True, text=True, check=True)
    assert done.stderr == "half a line our own word\nafter\n"


@pytest.mark.parametrize(
    ("no_proxy", "kept"),
    [
        ("", []),
        ("*", []),
        ("localhost,10.0.0.0/8 .lan", ["localhost", "10.0.0.0/8", ".lan"]),
        ("googleapis.com, .googleapis.com,play.googleapis.com,com,.COM,*.google.com", []),
        ("camera.example.com", ["camera.example.com"]),
    ],
)
def test_no_exception_of_the_users_opens_the_way_to_google(no_proxy: str, kept: list[str]) -> None:
    assert _without_metrics_host(no_proxy) == kept


@pytest.mark.data
def test_hands_before_the_chest_do_not_lose_the_person(shared_data: Path) -> None:
    clip = cv2.VideoCapture(str(shared_data / "room" / "gestures" / "eat.mkv"))
    found = []
    with PoseEstimator(real_model(), stills=False) as estimator:
        while (read := clip.read())[0] and len(found) < 30:
            found.append(estimator.detect(read[1], len(found) / 30))
    clip.release()
    assert [len(people) for people in found] == [1] * 30
    shoulders = np.array([people[0, [LEFT_SHOULDER, RIGHT_SHOULDER], 3] for people in found])
    assert shoulders.min() > 0.9


@pytest.mark.data
def test_two_people_are_told_apart_in_stills(shared_data: Path) -> None:
    clip = cv2.VideoCapture(str(shared_data / "room" / "two_people_head_tilt.avi"))
    counts = []
    with PoseEstimator(real_model(), stills=True) as estimator:
        while (read := clip.read())[0]:
            if not len(counts) % 4:
                counts.append(len(estimator.detect(read[1])))
            else:
                counts.append(0)
    clip.release()
    assert max(counts) == 2


def test_mediapipe_is_loaded_without_what_only_plots_and_sound_would_need() -> None:
    program = (
        "import sys; began = []\n"
        "sys.addaudithook(lambda event, args: event in ('subprocess.Popen', 'os.posix_spawn') "
        "and began.append(args))\n"
        "from posture_monitor.sensing import pose; pose._mediapipe()\n"
        "print(began, [name for name in sys.modules if name.split('.')[0] in ('matplotlib', 'sounddevice')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[0] == "[] []", done.stderr
