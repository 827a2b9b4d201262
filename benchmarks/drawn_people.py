"""People drawn by OpenGL, of whom the truth is known, looked at by the real pose model.

    python benchmarks/drawn_people.py
    python benchmarks/drawn_people.py --people 10 --seed 7 --keep pictures

Each person differs in build, sex, age, skin, hair, clothes, room, light and camera. They are calibrated on
twenty good pictures and then judged, one picture at a time, in postures of all kinds. The last table says how
far what the pose model makes of a nod, of sinking ears and of a nearer face is from what was drawn.

Needs moderngl (`pip install moderngl`) and a wheel that is fetched once through pip (`drawn_body`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from drawn_body import Array, Template, fetched
from drawn_person import Person
from drawn_postures import KINDS, habit, posed, taken
from drawn_scene import Camera, Drawing, Room, context
from labelled_sets import CALIBRATION_FRAMES, default_cache, looked
from real_model import real_model
from scores import RESAMPLES, score

from posture_monitor.errors import UserError
from posture_monitor.posture.capture import capture
from posture_monitor.posture.judge import judge
from posture_monitor.posture.metrics import ROW, measure
from posture_monitor.posture.reading import VERDICTS, Verdict
from posture_monitor.sensing.opencv import cv2

#: Pictures of each kind that are judged.
PICTURES = dict.fromkeys(KINDS, 4) | {
    **{"good": 8, "second monitor": 2, "looking at the keyboard": 10, "neck forward, subtly": 8},
    **{"neck forward": 5, "leaning aside": 3, "tilted head": 3, "half out": 1},
}
GOOD = ("good", "typing", "glancing aside", "second monitor", "looking at the keyboard")
#: Drawn gently, as a rest against the backrest: neither good nor bad.
LEFT_OUT = ("recline", "slide")
#: Nobody's eyes come nearer to the camera than this, metres.
NEAREST_M = 0.33
#: What is called looking down (degrees) and coming nearer (percent) in the second table.
NODDED_DEG, NEARER = 12.0, 4.0
_SHOWN = (Verdict.POOR, Verdict.MILD, Verdict.GOOD, Verdict.UNKNOWN)
_POOR, _UNKNOWN = VERDICTS.index(Verdict.POOR), VERDICTS.index(Verdict.UNKNOWN)


@dataclass(frozen=True)
class Watched:
    """One person, drawn, calibrated and judged.

    Attributes
    ----------
    on_laptop
        The camera is at the height of a laptop's; else of a monitor's.
    kinds
        ``(N,)`` of `KINDS`.
    verdict, index
        ``(N,)`` the verdict's code into `VERDICTS`, and the slouch index.
    true, seen
        ``(3, N)`` change from the calibration, as drawn and as the pose model sees it: nod in degrees (down
        positive), height of the ears over the shoulders and size of the face in percent.
    """

    on_laptop: bool
    kinds: npt.NDArray[np.str_]
    verdict: npt.NDArray[np.int8]
    index: Array
    true: Array
    seen: Array


@cache
def template(wheel: Path) -> Template:
    """Return the body that all are made of, once in a process."""
    return Template(wheel)


def drawn(wheel: Path, seed: int, number: int, folder: Path) -> tuple[Camera, list[str], Array]:
    """Draw a person's pictures into a folder.

    Returns
    -------
    camera
        What took them.
    kinds
        ``N`` kinds of posture, the ones to calibrate on first. The pictures' names go in this order.
    truth
        ``(3, N)`` nod (degrees), height of the ears over the shoulders and size of the face as this camera
        would show them without error; both lengths in units of their own.
    """
    rng = np.random.default_rng([seed, number])
    person = Person.random(template(wheel), rng)
    room, camera, at_home = Room.random(rng), Camera.random(rng), habit(rng)
    kinds = ["good"] * CALIBRATION_FRAMES + [kind for kind, n in PICTURES.items() for _ in range(n)]
    truth = np.empty((3, len(kinds)))
    with Drawing(room, camera, person.surfaces) as drawing:
        for k, kind in enumerate(kinds):
            vertices, joints = posed(person.body, taken(kind, at_home, rng), at_home)
            points = np.stack(
                [
                    (joints["eye.L"] + joints["eye.R"]) / 2,
                    vertices[list(person.ears)].mean(axis=0),
                    (joints["upperarm01.L"] + joints["upperarm01.R"]) / 2,
                ]
            )
            away = points[0] - camera.position
            gap = float(np.linalg.norm(away))
            back = away / gap * max(0.0, NEAREST_M - gap)
            truth[:, k] = _truth(points + back, camera)
            picture = drawing.picture(vertices + back, rng)
            name = folder / f"{k:03d} {kind}.jpg"
            if not cv2.imwrite(str(name), picture, [cv2.IMWRITE_JPEG_QUALITY, 88]):
                raise UserError(f"{name}: the picture could not be written")
    return camera, kinds, truth


def _truth(points: Array, camera: Camera) -> tuple[float, float, float]:
    """Return nod, height of the ears and size of the face from eyes, ears and shoulders, ``(3, 3)``."""
    eyes, ears, _ = points
    nod_deg = np.degrees(np.arctan2(ears[2] - eyes[2], np.hypot(*(eyes - ears)[:2])))
    (_, eye_depth), (ear_up, ear_depth), (shoulder_up, _) = map(camera.seen, points)
    return float(nod_deg), (ear_up - shoulder_up) * ear_depth, 1 / eye_depth


def watched(wheel: Path, seed: int, keep: Path | None, number: int) -> Watched | None:
    """Draw, calibrate and judge a person; None where no neutral posture is found."""
    with contextlib.ExitStack() as stack:
        if keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        else:
            folder = keep / f"{number:03d}"
            folder.mkdir(parents=True, exist_ok=True)
        camera, kinds, truth = drawn(wheel, seed, number, folder)
        landmarks, size, _, doubts, _ = looked(folder, cache=None, model=real_model)
    first, rest = slice(CALIBRATION_FRAMES), slice(CALIBRATION_FRAMES, None)
    try:
        measured = measure(landmarks[first], size[first])
        neutral = capture(measured, doubts[first], least_frames=5, steady=False)
    except ValueError as error:
        print(f"person {number} could not be calibrated: {error}", file=sys.stderr)
        return None
    found = judge(neutral.measure(landmarks[rest], size[rest]), neutral, None, doubts[rest])
    centre = np.median(truth[:, first], axis=1, keepdims=True)
    nod, *lengths = truth[:, rest]
    true = [nod - centre[0], *(100 * (length / c - 1) for length, c in zip(lengths, centre[1:], strict=True))]
    seen = found.deviations[[ROW["head_nod"], ROW["ear_height"], ROW["face_size"]]]
    # Somebody who is not found at all got no verdict either.
    verdict = np.where(found.verdict == VERDICTS.index(Verdict.AWAY), _UNKNOWN, found.verdict)
    return Watched(camera.on_laptop, np.array(kinds[rest]), verdict, found.slouch_index, np.array(true), seen)


def verdicts(people: Sequence[Watched]) -> dict[str, dict[str, float]]:
    """Return by kind which part of the pictures got each verdict."""
    kinds = np.concatenate([one.kinds for one in people])
    found = np.concatenate([one.verdict for one in people])
    return {
        kind: {v.value: float((found[kinds == kind] == VERDICTS.index(v)).mean()) for v in _SHOWN}
        for kind in KINDS
    }


def agreement(people: Sequence[Watched], seed: int) -> dict[str, tuple[float, float, float]]:
    """Return mean over people and its 95 % bootstrap interval of each figure."""
    rows = []
    for one in people:
        counted = ~np.isin(one.kinds, LEFT_OUT)
        bad, verdict = ~np.isin(one.kinds, GOOD)[counted], one.verdict[counted]
        found = score(bad, verdict == _POOR, one.index[counted], verdict != _UNKNOWN, np.arange(len(bad)))
        rows.append((found.balanced, found.f1, found.false_positive))
    chosen = np.random.default_rng(seed).integers(0, len(rows), (RESAMPLES, len(rows)))
    low, high = np.percentile(np.array(rows)[chosen].mean(axis=1), (2.5, 97.5), axis=0)
    names = ("balanced accuracy", "F1", "good called poor")
    return {
        name: (float(m), float(a), float(b))
        for name, m, a, b in zip(names, np.mean(rows, axis=0), low, high, strict=True)
    }


def distortions(people: Sequence[Watched]) -> dict[str, tuple[float, float, float]]:
    """Return what the pose model makes of the truth: quartiles over people (lower, median, upper)."""
    ratios: dict[str, list[float]] = {}
    for one in people:
        (nod, ears, size), (seen_nod, seen_ears, seen_size) = one.true, one.seen
        down = (one.kinds == "looking at the keyboard") & (nod > NODDED_DEG)
        carried = np.isin(one.kinds, ("neck forward, subtly", "neck forward", "slump"))
        nearer = ~np.isin(one.kinds, GOOD) & (size > NEARER)
        for name, what, per, where in (
            ("looking down: ° of nod seen for each ° of nod", seen_nod, nod, down),
            ("looking down: % that the ears sink too much for each ° of nod", ears - seen_ears, nod, down),
            ("looking down: the same for each ° of nod seen", ears - seen_ears, seen_nod, down),
            ("looking down: % that the ears sink in all for each ° of nod seen", -seen_ears, seen_nod, down),
            (
                "neck forward, slump: ° of nod too much for each % of sinking seen",
                seen_nod - nod,
                -seen_ears,
                carried,
            ),
            ("coming nearer: % of growth seen for each % of growth", seen_size, size, nearer),
        ):
            known = where & np.isfinite(what + per)
            if known.any():
                ratios.setdefault(name, []).append(np.median(what[known]) / np.median(per[known]))
    return {name: tuple(np.percentile(each, (25, 50, 75)).tolist()) for name, each in ratios.items()}


def result(people: int, seed: int, keep: Path | None) -> dict[str, Any]:
    """Return all that the tables hold.

    Raises
    ------
    UserError
        Something that this needs cannot be had.
    """
    if keep is not None and keep.exists():
        raise UserError(f"{keep} is there already; name a new folder for the pictures")
    context().release()
    wheel, _ = fetched(default_cache()), real_model()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(partial(watched, wheel, seed, keep), range(people)))
    calibrated = [one for one in found if one is not None]
    if not calibrated:
        raise UserError("nobody could be calibrated")
    groups = {"laptop": True, "monitor": False}
    cameras = {name: [one for one in calibrated if one.on_laptop is on] for name, on in groups.items()}
    return {
        "people": len(calibrated),
        "not calibrated": people - len(calibrated),
        "cameras": {name: len(group) for name, group in cameras.items()},
        "verdicts": {name: verdicts(group) for name, group in cameras.items() if group},
        "agreement": agreement(calibrated, seed),
        "distortions": distortions(calibrated),
    }


def told(found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the tables."""
    cameras = " and ".join(f"{count} before a camera on a {name}" for name, count in found["cameras"].items())
    yield f"{found['people']} drawn people, {cameras}; {found['not calibrated']} could not be calibrated"
    yield ""
    yield "| kind | " + " | ".join(f"{name}: {v.value}" for name in found["verdicts"] for v in _SHOWN) + " |"
    yield "|---" * (1 + len(_SHOWN) * len(found["verdicts"])) + "|"
    for kind in KINDS:
        parts = [f"{table[kind][v.value]:.0%}" for table in found["verdicts"].values() for v in _SHOWN]
        yield f"| {kind} | {' | '.join(parts)} |"
    yield ""
    yield "| mean over people | | 95 % interval |"
    yield "|---|---|---|"
    for name, (mean, low, high) in found["agreement"].items():
        form = ".1%" if name == "good called poor" else ".3f"
        yield f"| {name} | {mean:{form}} | {low:{form}} to {high:{form}} |"
    yield ""
    yield "| seen against drawn, over people | lower quartile | median | upper quartile |"
    yield "|---|---|---|---|"
    for name, quartiles in found["distortions"].items():
        yield f"| {name} | {' | '.join(f'{number:.2f}' for number in quartiles)} |"


def positive(text: str) -> int:
    """Return a whole number from 1 on."""
    if (number := int(text)) < 1:
        raise ValueError
    return number


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return the status to leave with."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=positive, default=40, metavar="N", help="how many to draw (40)")
    parser.add_argument("--seed", type=positive, default=1, help="of all that is left to chance (1)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where to leave the pictures")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    given = parser.parse_args(arguments)
    try:
        found = result(given.people, given.seed, given.keep)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(found, indent=2) if given.json else "\n".join(told(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
