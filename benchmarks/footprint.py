"""What it costs to be watched all day, beside what the same watching costs the way others do it.

The real service, in its own processes, watches a camera on loopback (640x480,
30 pictures a second, MJPEG) through a working stretch: still and good, typing,
deviating, away, and paused. Processor time is that of all its processes, read
from the system, and memory all they have resident, each page once (`resident`);
the camera's own process is not among them. Then the same camera is read the way
the known programs do: the model on every picture.

    python benchmarks/footprint.py [--seconds 60] [--json] [--burst] [--only memory|start]

Needs the labelled clips in ``$POSTURE_MONITOR_DATA`` or ``../shared/data``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np
from labelled_sets import data_folder
from loopback_camera import LoopbackCamera, clip, cv2, jpegs
from program import environment, fresh_home
from resident import resident_mb

from posture_monitor.errors import UserError
from posture_monitor.posture.place import ARRIVED_S
from posture_monitor.service.usage import cpu_s

#: Share of a working day that each activity has in the mixed stretch.
MIX = {"still": 0.40, "typing": 0.40, "deviating": 0.05, "away": 0.15}
#: Seconds until an activity is measured; after an absence the model first looks each time for `ARRIVED_S`.
SETTLED_S = 10.0
SIZE = (640, 480)
#: Starts that are timed.
STARTS = 5


# ------------------------------------------------------------------- the camera


def pictures(data: Path) -> dict[str, list[bytes]]:
    """Return what each activity looks like: JPEGs of real people, with a sensor's noise."""
    rng = np.random.default_rng(1)

    def noisy(frames: list[Any]) -> list[bytes]:
        sized = [cv2.resize(frame, SIZE) for frame in frames]
        return jpegs([np.clip(f + rng.normal(0, 2.0, f.shape), 0, 255).astype(np.uint8) for f in sized])

    seated = clip(data / "front" / "front_bright.avi")
    good, slouch = seated[:90], seated[110:190]
    empty = clip(data / "room" / "absent_and_back.mp4", every=5, most=4)
    # No two pictures of a camera are alike, however far apart: 31 do not come round in whole seconds.
    return {
        "still": noisy([good[0]] * 31),
        # Somebody who works: small moves, several times a second.
        "typing": noisy([_nudged(good[0], rng) for _ in range(90)]),
        "deviating": noisy([slouch[20]] * 31),
        "away": noisy([empty[0]] * 31),
    }


def _nudged(picture: Any, rng: np.random.Generator) -> Any:
    """Return a picture moved by some pixels, as a body does that types."""
    shift = np.float32([[1, 0, rng.normal(0, 1.5)], [0, 1, rng.normal(0, 1.5)]])
    return cv2.warpAffine(picture, shift, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def serve(data: Path) -> None:
    """Be the camera: show what standard input names, until it ends. Runs in a process of its own."""
    shown = pictures(data)
    with LoopbackCamera(shown["still"], fps=30.0) as camera:
        print(camera.url, flush=True)
        for line in sys.stdin:
            camera.show(shown[line.strip()])
            print("shown", flush=True)


class Camera:
    """The camera's process."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.url = self._answer()

    def show(self, what: str) -> float:
        """Show this from now on; return when that began."""
        assert self.process.stdin is not None
        print(what, file=self.process.stdin, flush=True)
        self._answer()
        return time.monotonic()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


# ------------------------------------------------------------------ the service


class Service:
    """The running monitor, as its user starts it."""

    def __init__(self, home: Path, url: str, settings: str) -> None:
        (home / "config.toml").write_text(settings)
        self.environment = environment(home)
        self.began_s = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "posture_monitor", "run", "--detached", "--source", url],
            env=self.environment,
            stderr=subprocess.DEVNULL,
        )
        os.environ["POSTURE_MONITOR_HOME"] = str(home)

    def ask(self, do: str, **args: Any) -> dict[str, Any]:
        from posture_monitor.service.control import ask

        return ask(do, **args)

    def until(self, what: Any, seconds: float) -> float:
        """Wait until the status is so; return when."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            with contextlib.suppress(UserError):
                if what(self.ask("status")):
                    return time.monotonic()
            time.sleep(0.05)
        return float("nan")

    def pids(self) -> list[int]:
        found, fresh = [self.process.pid], [self.process.pid]
        while fresh:
            fresh = [child for pid in fresh for child in _children(pid)]
            found += fresh
        return found

    def cpu_s(self) -> float:
        return cpu_s(self.pids()) - cpu_s()

    def memory_mb(self) -> float:
        return resident_mb(self.pids())

    def wakes(self) -> int:
        return sum(_wakes(pid) for pid in self.pids())


@contextlib.contextmanager
def running(url: str, settings: str = "") -> Iterator[Service]:
    """Let the service run in a home of its own, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        service = Service(fresh_home(Path(folder) / "home"), url, settings)
        try:
            yield service
            service.ask("stop")
            service.process.wait(10)
        finally:
            service.process.kill()


def _children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _wakes(pid: int) -> int:
    count = 0
    for task in Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):
            for line in task.read_text().splitlines():
                if line.startswith("voluntary_ctxt"):
                    count += int(line.split()[1])
    return count


def watch(camera: Camera, seconds: float, *, burst: bool) -> dict[str, Any]:
    """Let the service watch each activity for some seconds, and return what it cost."""
    mode = "burst" if burst else "continuous"
    found: dict[str, Any] = {"activities": {}, "mode": mode}
    with running(camera.url, f'[camera]\nmode = "{mode}"\n') as service:
        camera.show("still")
        service.until(lambda s: s["state"] == "good", 30)
        time.sleep(15.0)  # settled
        peak = 0.0
        for activity in ("still", "typing", "away", "still", "deviating"):
            shown_s = camera.show(activity)
            if activity == "deviating":
                poor_s = service.until(lambda s: s["state"] in ("poor", "mild"), 60)
                found["slouch_to_state_s"] = poor_s - shown_s
            else:
                wanted = "away" if activity == "away" else "good"
                service.until(lambda s, wanted=wanted: s["state"] == wanted, 40)
                time.sleep(SETTLED_S + (ARRIVED_S if "away" in found["activities"] else 0.0))
            before = service.ask("status")
            cpu, wakes, began_s = service.cpu_s(), service.wakes(), time.monotonic()
            time.sleep(seconds)
            after = service.ask("status")
            passed_s = time.monotonic() - began_s
            minutes = passed_s / 60
            used_s = service.cpu_s() - cpu
            peak = max(peak, service.memory_mb())
            found["activities"][activity] = {
                "cpu_s_per_min": used_s / minutes,
                "percent": 100 * used_s / passed_s,
                "looks_per_min": (after["looks"] - before["looks"]) / minutes,
                "model_runs_per_min": (after["model_runs"] - before["model_runs"]) / minutes,
                "wakes_per_s": (service.wakes() - wakes) / passed_s,
                "memory_mb": service.memory_mb(),
            }
        service.ask("pause")
        time.sleep(3.0)
        cpu, began_s = service.cpu_s(), time.monotonic()
        time.sleep(min(seconds, 20.0))
        found["paused"] = {
            "percent": 100 * (service.cpu_s() - cpu) / (time.monotonic() - began_s),
            "memory_mb": service.memory_mb(),
        }
        found["peak_memory_mb"] = peak
    found["mixed_percent"] = sum(share * found["activities"][name]["percent"] for name, share in MIX.items())
    return found


def start(camera: Camera) -> dict[str, Any]:
    """Begin the service some times, the model in place; return how long each took to its first verdict.

    While it runs, quick commands are timed as well, beside a Python program that does nothing.
    """
    camera.show("still")
    commands = {"nothing": ["-c", ""]} | {
        name: ["-m", "posture_monitor", name] for name in ("--help", "status")
    }
    took_s, cpu = [], []
    commands_s: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(STARTS):
        with running(camera.url) as service:
            judged_s = service.until(lambda s: s["state"] in ("good", "mild", "poor"), 30)
            took_s.append(judged_s - service.began_s)
            cpu.append(service.cpu_s())
            for name, arguments in commands.items():
                began_s = time.monotonic()
                subprocess.run(
                    [sys.executable, *arguments], env=service.environment, check=True, capture_output=True
                )
                commands_s[name].append(time.monotonic() - began_s)
    return {
        "commands_s": {name: statistics.median(times_s) for name, times_s in commands_s.items()},
        "to_first_verdict_s": statistics.median(took_s),
        "each_s": took_s,
        "cpu_s": statistics.median(cpu),
    }


def memory(camera: Camera, seconds: float) -> dict[str, float]:
    """Return the memory of the service after so many seconds of watching somebody work, and paused."""
    with running(camera.url) as service:
        camera.show("typing")
        service.until(lambda s: s["looks"] >= 1, 30)
        time.sleep(seconds)
        watching = service.memory_mb()
        service.ask("pause")
        time.sleep(3.0)
        return {"watching_mb": watching, "paused_mb": service.memory_mb()}


# --------------------------------------------------------------- the way others do


def peer(url: str, model: Path, fps: float, seconds: float) -> None:
    """Look at every picture of a camera, at most `fps` a second, and judge each; print the cost as JSON."""
    from posture_monitor.posture.judge import Limits, judge
    from posture_monitor.posture.metrics import measure
    from posture_monitor.sensing.pose import PoseEstimator
    from posture_monitor.service.profiles import load_profile

    neutral, limits = load_profile("front").neutral, Limits()
    capture = cv2.VideoCapture(url)
    with PoseEstimator(model, stills=False) as estimator:
        estimator.detect(capture.read()[1], 0.0)
        began_s, before_s, count, due_s = time.monotonic(), time.process_time(), 0, 0.0
        while (t_s := time.monotonic() - began_s) < seconds:
            ok, picture = capture.read()
            if not ok or t_s < due_s:
                continue
            due_s += 1 / fps
            people = estimator.detect(picture, t_s + 1)
            if len(people):
                judge(measure(people[:1], np.array([SIZE], dtype=float)), neutral, limits, ())
            count += 1
        passed_s = time.monotonic() - began_s
        used_s = time.process_time() - before_s
    print(json.dumps({"percent": 100 * used_s / passed_s, "model_runs_per_min": 60 * count / passed_s}))


def peers(camera: Camera, seconds: float) -> dict[str, Any]:
    """Return what the model on every picture costs: full at 30 a second, lite at 10 and at 2."""
    from models import bundles
    from real_model import real_model

    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            lite = bundles(Path(folder))["lite"]
        except UserError as error:
            found["note"] = f"the lite model cannot be had ({error}); full stands in for it"
            lite = real_model()
        camera.show("typing")
        for name, model, fps in (
            ("full at 30", real_model(), 30.0),
            ("lite at 10", lite, 10.0),
            ("lite at 2", lite, 2.0),
        ):
            ended = subprocess.run(
                [sys.executable, __file__, "--peer", camera.url, str(model), str(fps), str(seconds)],
                capture_output=True,
                text=True,
                check=True,
            )
            found[name] = json.loads(ended.stdout.splitlines()[-1])
    return found


# ------------------------------------------------------------------------ the table


def told(found: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of the table."""
    for run in found["runs"]:
        yield f"posture-monitor, camera {run['mode']}"
        heads = (("% of a core", 12), ("CPU s/min", 10), ("looks/min", 10), ("model/min", 10), ("wakes/s", 8))
        yield " " * 12 + "".join(f" {head:>{width}s}" for head, width in heads) + f" {'MB':>6s}"
        for name, row in run["activities"].items():
            yield (
                f"{name:12s} {row['percent']:12.2f} {row['cpu_s_per_min']:10.2f} "
                f"{row['looks_per_min']:10.1f} {row['model_runs_per_min']:10.1f} "
                f"{row['wakes_per_s']:8.1f} {row['memory_mb']:6.0f}"
            )
        yield f"{'paused':12s} {run['paused']['percent']:12.2f} {'':>41s} {run['paused']['memory_mb']:6.0f}"
        mix = ", ".join(f"{share:.0%} {name}" for name, share in MIX.items())
        yield f"mixed stretch ({mix}): {run['mixed_percent']:.2f} % of a core"
        yield f"onset of a slouch to the state: {run['slouch_to_state_s']:.1f} s"
        yield f"peak memory: {run['peak_memory_mb']:.0f} MB"
    yield started(found["start"])
    mixed = found["runs"][0]["mixed_percent"]
    for name, row in found["peers"].items():
        if name == "note":
            yield row
            continue
        yield (
            f"{name:12s} {row['percent']:12.1f} % of a core, {row['model_runs_per_min']:.0f} model runs "
            f"a minute: {row['percent'] / mixed:.0f} times the mixed stretch"
        )


def started(found: dict[str, Any]) -> str:
    """Return the lines about starting."""
    each = ", ".join(f"{took_s:.2f}" for took_s in found["each_s"])
    took = found["commands_s"]
    return (
        f"start to first verdict: {found['to_first_verdict_s']:.2f} s (median of {each}), "
        f"{found['cpu_s']:.2f} s of it processor time\n"
        f"--help: {took['--help']:.2f} s, status: {took['status']:.2f} s, "
        f"{took['--help'] / took['nothing']:.1f} and {took['status'] / took['nothing']:.1f} times "
        f"a Python program that does nothing"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="of each activity")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--burst", action="store_true", help="measure burst mode as well")
    parser.add_argument("--only", choices=("memory", "start"), help="measure nothing else")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--peer", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        serve(asked.serve)
        return
    if asked.peer:
        url, model, fps, seconds = asked.peer
        peer(url, Path(model), float(fps), float(seconds))
        return
    camera = Camera(data_folder())
    try:
        if asked.only == "start":
            took = start(camera)
            print(json.dumps(took) if asked.json else started(took))
            return
        if asked.only:
            mb = memory(camera, asked.seconds)
            told_mb = f"watching {mb['watching_mb']:.0f} MB, paused {mb['paused_mb']:.0f} MB"
            print(json.dumps(mb) if asked.json else told_mb)
            return
        runs = [
            watch(camera, asked.seconds, burst=burst) for burst in ([False, True] if asked.burst else [False])
        ]
        found = {"start": start(camera), "runs": runs, "peers": peers(camera, min(asked.seconds, 30.0))}
    finally:
        camera.close()
    print(json.dumps(found, indent=1) if asked.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
