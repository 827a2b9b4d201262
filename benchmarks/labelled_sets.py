"""Every labelled set of the accuracy benchmark: landmarks, labels, and what to calibrate on.

Real sets lie in the shared data folder: the environment variable ``POSTURE_MONITOR_DATA``, else
``../shared/data`` beside the checkout. Pictures go through the real model; their landmarks are cached by the
content of the files, of the model and of the code that looks. Bodies of the rig need nothing but a seed.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import rig
from natural_day import random_camera
from real_model import real_model
from rig import SCENARIOS, Body, Camera, Pose

from posture_monitor.errors import UserError
from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing import brightening, pose
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.looking import Looker

ROOT = Path(__file__).resolve().parent.parent

Landmarks = npt.NDArray[np.float32]
#: Indices of the frames to calibrate on, and of those to test.
Fold = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]

CALIBRATION_FRAMES = 20
#: Where a bust moves by more than this (part of the picture) from frame to frame, another burst begins.
BURST_JUMP = 0.03


@dataclasses.dataclass(frozen=True)
class Case:
    """One person in one session.

    Attributes
    ----------
    group, person
        Name of the set, and whose frames they are: sets of one person are averaged before people are.
    landmarks, size
        ``(N, 33, 4)`` and ``(N, 2)``.
    bad
        ``(N,)`` the label.
    segment
        ``(N,)`` burst, contiguous run or body: near-copies share one.
    folds
        What to calibrate on and what to test; together they say the protocol.
    doubts
        ``N`` reasons why a picture allows no verdict.
    names
        ``N`` names of frames (file, scenario), for looking things up.
    note
        What the reader should know beside the figures.
    in_mean
        Whether it counts in the mean over people.
    """

    group: str
    person: str
    landmarks: Landmarks
    size: npt.NDArray[Any]
    bad: npt.NDArray[np.bool_]
    segment: npt.NDArray[Any]
    folds: tuple[Fold, ...]
    doubts: tuple[Reason, ...]
    names: tuple[str, ...] = ()
    note: str = ""
    in_mean: bool = True


# -- real sets -------------------------------------------------------------------


def data_folder() -> Path:
    """Return the shared data folder; `UserError` says how to name it where there is none."""
    folder = Path(os.environ.get("POSTURE_MONITOR_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        raise UserError(
            f"{folder}: no labelled data there; set POSTURE_MONITOR_DATA to the folder with front/, side/ "
            "and landmarks/, or run with --rig for the synthetic bodies alone"
        )
    return folder


def real_cases(data: Path, cache: Path | None) -> Iterator[Case]:
    """Yield every real set; `cache` is where landmarks of pictures are kept, None for nowhere."""
    yield from picture_cases(data, cache)
    yield _posturemax(data / "landmarks" / "posturemax_33lm_good_bad.csv")
    for who in ("first", "second"):
        yield _two_people(data / "landmarks" / "front_two_people.npz", who)
    yield _babu(data / "landmarks" / "babu_7pt_good_bad.csv")


def picture_cases(data: Path, cache: Path | None, model: Callable[[], Path] = real_model) -> Iterator[Case]:
    """Yield the sets that hold pictures, as this pose model sees them."""
    look = functools.partial(looked, cache=cache, model=model)
    for light, folder in (("bright", "high"), ("dim", "middle")):
        stills = data / "front" / f"low-isSlouching__{folder}-notSlouching"
        yield _front_stills(f"front {light} stills", stills, look)
        yield _front_clip(f"front {light} clip", data / "front" / f"front_{light}.avi", look)
    for who in "AB":
        for how in ("hunchback", "recline"):
            yield _side(f"side {who} {how}", data / "side" / who, how, look)


class Pictures(NamedTuple):
    """What a pose model sees in a folder of stills or a clip; fields as in `Case`, and times in seconds."""

    landmarks: Landmarks
    size: npt.NDArray[Any]
    t_s: npt.NDArray[Any]
    doubts: tuple[Reason, ...]
    names: tuple[str, ...]


Look = Callable[[Path], Pictures]


def looked(source: Path, *, cache: Path | None, model: Callable[[], Path]) -> Pictures:
    """Look at a folder of stills or a clip, or return what was seen there before."""
    kept = None
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
        kept = cache / f"{_digest(source, model())}.npz"
        if kept.is_file():
            with np.load(kept) as held:
                doubts = tuple(Reason(text) for text in held["doubts"].tolist())
                names = tuple(held["names"].tolist())
                return Pictures(held["landmarks"], held["size"], held["t_s"], doubts, names)
    with Looker(open_source(str(source)), model()) as looker:
        seen = list(looker.look())
    landmarks = np.stack([s.landmarks for s in seen])
    size, t_s = np.stack([s.size for s in seen]), np.array([s.frame.t_s for s in seen])
    doubts, names = tuple(s.doubt for s in seen), tuple(s.frame.name for s in seen)
    if kept is not None:
        part = kept.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez_compressed(
                file, landmarks=landmarks, size=size, t_s=t_s, doubts=[d.value for d in doubts], names=names
            )
        part.replace(kept)
    return Pictures(landmarks, size, t_s, doubts, names)


def _digest(source: Path, model: Path) -> str:
    """Return a hash of the pictures, of the model that looks at them, and of how it does."""
    digest = hashlib.sha256()
    files = sorted(source.iterdir()) if source.is_dir() else [source]
    how = [Path(module.__file__ or "") for module in (pose, brightening)]
    for file in [*files, model, *how]:
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:24]


def default_cache() -> Path:
    """Return where landmarks of pictures are kept between runs."""
    return Path(tempfile.gettempdir()) / "posture-monitor-benchmarks"


def _front_stills(name: str, folder: Path, look: Look) -> Case:
    good, bad = look(folder / "notSlouching"), look(folder / "isSlouching")
    n, m = len(good.names), len(bad.names)
    index = np.arange(n + m)
    landmarks = np.concatenate((good.landmarks, bad.landmarks))
    return Case(
        name,
        "front man",
        landmarks,
        np.concatenate((good.size, bad.size)),
        index >= n,
        folds=((index[: n // 2], index[n // 2 :]),),
        segment=_runs(landmarks, index >= n),
        doubts=good.doubts + bad.doubts,
        names=good.names + bad.names,
        note="calibrated on the first half of the good stills; neighbours of one burst on both sides",
    )


def _front_clip(name: str, clip: Path, look: Look) -> Case:
    seen = look(clip)
    with clip.with_suffix(".csv").open() as file:
        labels = np.array([row["label"] for row in csv.DictReader(file)])[: len(seen.t_s)]
    return Case(
        name,
        "front man",
        seen.landmarks,
        seen.size,
        labels == "slouch",
        folds=((np.flatnonzero(seen.t_s < 18.0), np.flatnonzero(seen.t_s >= 18.0)),),
        segment=_numbered(labels[1:] != labels[:-1]),
        doubts=seen.doubts,
        names=tuple(f"{t:.1f} s" for t in seen.t_s),
        note="calibrated on the first 18 s; the same stills come again and again",
    )


def _side(name: str, folder: Path, how: str, look: Look) -> Case:
    good, bad = look(folder / "straight"), look(folder / how)
    n, m = len(good.names), len(bad.names)
    straight, others = np.arange(n), np.arange(n, n + m)
    folds: list[Fold] = [(np.delete(straight, i), straight[i : i + 1]) for i in range(n)]
    return Case(
        name,
        f"side {folder.name}",
        np.concatenate((good.landmarks, bad.landmarks)),
        np.concatenate((good.size, bad.size)),
        np.arange(n + m) >= n,
        folds=(*folds, (straight, others)),
        segment=np.arange(n + m),
        doubts=good.doubts + bad.doubts,
        names=good.names + bad.names,
        note=f"{n} straight photographs, each tested with the calibration of the others",
    )


def _posturemax(path: Path) -> Case:
    note = "no visibility in the table: all taken as seen; pictures taken to be 640×480"
    return _of_points("posturemax", path, range(33), note)


def _two_people(path: Path, who: str) -> Case:
    with np.load(path) as held:
        mine = held["person"] == who
        chosen = {key: held[key][mine] for key in ("landmarks", "size", "label", "burst", "order")}
    order = np.lexsort((chosen["order"], chosen["burst"]))
    landmarks, burst, bad = (
        chosen["landmarks"][order],
        chosen["burst"][order],
        chosen["label"][order] == "bad",
    )
    run = _runs(landmarks, burst)
    return Case(
        f"two people, {who}",
        who,
        landmarks,
        chosen["size"][order],
        bad,
        folds=(_calibrated_first(bad, run),),
        segment=run,
        doubts=(Reason.OK,) * len(bad),
        note="one good burst a person, cut where the body jumps; the calibration's own run is not tested",
    )


def _babu(path: Path) -> Case:
    """Seven points without names.

    Their geometry says which: two pairs that lie at equal heights, the upper pair 3 to 8 % and the lower
    about 40 to 50 % of the picture under it, third pair another half a picture lower; members of a pair
    differ in z by about as much as a body is wide. So: nose, ears, shoulders, hips, seen obliquely.
    """
    return _of_points(
        "babu, 7 points",
        path,
        [0, 7, 8, 11, 12, 23, 24],
        "nose, ears, shoulders and hips only: not measurable, for without eyes and mouth there is no "
        "ruler for the head; left out of the mean",
        in_mean=False,
    )


def _of_points(name: str, path: Path, points: Sequence[int], note: str, *, in_mean: bool = True) -> Case:
    """Return the case of a table of these landmarks, all as seen, calibrated on the first good frames."""
    numbers, labels = _table(path)
    n = len(numbers)
    landmarks = np.full((n, 33, 4), np.nan, dtype=np.float32)
    landmarks[..., 3] = 0.0
    landmarks[:, points, :3] = numbers.reshape(n, len(points), 3)
    landmarks[:, points, 3] = 1.0
    bad = labels == "bad"
    run = _numbered(bad[1:] != bad[:-1])
    calibration, test = _calibrated_first(bad, run)
    return Case(
        name,
        name.partition(",")[0],
        landmarks,
        np.tile((640, 480), (n, 1)),
        bad,
        folds=((calibration, np.sort(test)),),
        segment=run,
        doubts=(Reason.OK,) * n,
        note=note,
        in_mean=in_mean,
    )


def _table(path: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    with path.open() as file:
        rows = list(csv.reader(file))[1:]
    return np.array([[float(cell) for cell in row[:-1]] for row in rows]), np.array([row[-1] for row in rows])


# -- the rig ---------------------------------------------------------------------

#: What each scenario is. Left out as ambiguous: a small head_forward (3 cm: natural sitting reaches it),
#: lean_back (15°, what people do to think), torso_yaw (30°, a turned chair), phone and chin_on_hand (brief by
#: nature; held for long they are poor), shrug, and standing, which is not sitting.
GOOD = (
    *("upright", "look_down", "head_yaw", "second_monitor", "chair_lower", "chair_higher"),
    *("roll_nearer", "roll_away", "gesture", "drinking"),
)
POOR = (
    *("slump_moderate", "slump_deep", "head_forward_far", "lean_forward", "recline_deep"),
    *("slid_down", "side_lean", "head_tilt"),
)
#: Poor, but along the line of sight of a camera at the side: left out there.
UNSEEN_FROM_SIDE = ("side_lean", "head_tilt")
LEFT_OUT = tuple(name for name in SCENARIOS if name not in GOOD + POOR)
#: Standard deviations of how one and the same posture is taken up again (degrees, metres).
_AGAIN = {
    **{"lean": 1.0, "thorax": 1.0, "side_lean": 0.8, "twist": 1.0, "head_roll": 1.0},
    **{"head_pitch": 1.5, "head_yaw": 2.0, "neck_forward_m": 0.003, "shrug_m": 0.002},
    **{"seat_x_m": 0.004, "seat_z_m": 0.006},
}


def rig_cases(seed: int = 0, bodies: int = 10, frames: int = 6) -> Iterator[Case]:
    """Yield bodies before webcams (front and up to 25° aside), before oblique ones, and from the side."""
    for group, camera_of in (
        ("rig, webcam", random_camera),
        ("rig, oblique", _oblique),
        ("rig, side", _beside),
    ):
        for k in range(bodies):
            rng = np.random.default_rng([seed, k, len(group)])
            body = Body.random(rng)
            yield _rig(group, f"body {k}", body, camera_of(rng, body), rng, frames)


def _oblique(rng: np.random.Generator, body: Body) -> Camera:
    side = 1 if rng.random() < 0.5 else -1
    return dataclasses.replace(random_camera(rng, body), azimuth_deg=side * rng.uniform(28, 45))


def _beside(rng: np.random.Generator, body: Body) -> Camera:
    return dataclasses.replace(
        rig.SIDE_CAMERA,
        azimuth_deg=(1 if rng.random() < 0.5 else -1) * rng.uniform(80, 95),
        height_m=rng.uniform(0.25, 0.6),
        distance_m=rng.uniform(1.8, 2.6),
    )


def _rig(group: str, person: str, body: Body, camera: Camera, rng: np.random.Generator, frames: int) -> Case:
    hidden = UNSEEN_FROM_SIDE if group == "rig, side" else ()
    shown = [name for name in GOOD + POOR if name not in hidden]
    chosen = ["upright"] * CALIBRATION_FRAMES + [name for name in shown for _ in range(frames)]
    n = len(chosen)
    again = Pose(**{field: rng.normal(0, sd, n) for field, sd in _AGAIN.items()})
    fields = [SCENARIOS[name].fields() for name in chosen]
    pose = Pose(**{f: np.concatenate([one[f] for one in fields]) for f in fields[0]}) + again
    landmarks, size = rig.render(body, pose, camera, rng, 0.7 * camera.width / 640)
    names = np.array(chosen)
    index = np.arange(n)
    return Case(
        group,
        person,
        landmarks,
        np.tile(size, (n, 1)),
        np.isin(names, POOR),
        folds=((index[:CALIBRATION_FRAMES], index[CALIBRATION_FRAMES:]),),
        segment=np.char.add(f"{person} ", names),
        doubts=(Reason.OK,) * n,
        names=tuple(chosen),
        note=f"without {' and '.join(hidden)}, which no camera at the side sees" if hidden else "",
    )


# -- shared ----------------------------------------------------------------------


def _numbered(begins: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Return the number of the stretch of each frame; `begins` says of all but the first where one begins."""
    return np.cumsum(np.concatenate(([0], begins)))


def _runs(landmarks: Landmarks, group: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the number of the burst of each frame: a new one where the group changes or the bust jumps."""
    bust = landmarks[:, :13, :2].reshape(len(landmarks), -1)
    moved = np.nan_to_num(np.abs(np.diff(bust, axis=0)).mean(axis=1), nan=1.0)
    return _numbered((moved > BURST_JUMP) | (group[1:] != group[:-1]))


def _calibrated_first(bad: npt.NDArray[np.bool_], run: npt.NDArray[np.intp]) -> Fold:
    """Return the first good frames, and what is to be tested."""
    good = np.flatnonzero(~bad)
    calibration = good[:CALIBRATION_FRAMES]
    # What is left of the run in which calibration ends is too like it to be a test.
    good = good[run[good] > run[calibration[-1]]]
    return calibration, np.concatenate((good, np.flatnonzero(bad)))
