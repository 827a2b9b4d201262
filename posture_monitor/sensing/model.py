"""The pose model's file: fetched once, checked, and kept.

MediaPipe's own wheels of today hold no models. The last one that does is
fetched through pip (so that the user's index, proxy and cache settings count),
its two networks are given the metadata that the Tasks API asks for, and both
are packed into the bundle that `PoseLandmarker` reads. Beside the bundle lies
its SHA-256, so that a damaged file is noticed. Once both are there, nothing
here touches the network.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import importlib.util
import io
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from posture_monitor import paths
from posture_monitor.children import python
from posture_monitor.errors import UserError
from posture_monitor.whole_file import replacing

log = logging.getLogger(__name__)

WHEEL = "mediapipe-0.10.21-cp312-cp312-manylinux_2_28_x86_64.whl"
WHEEL_BYTES = 35_627_340
WHEEL_SHA256 = "956eb1ebc275c629e61b085b2cab89c3a5b9e93bad1bb107348d98dafb5a4bb5"
# The tags name one wheel whatever this machine is: only its model files are used.
_PIP_DOWNLOAD = (
    *("--quiet", "--no-input", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"),
    *("--python-version", "3.12", "--implementation", "cp", "--platform", "manylinux_2_28_x86_64"),
    "mediapipe==0.10.21",
)

_WAY_OUT = (
    "connect to the network and run `posture-monitor doctor` once, or download pose_landmarker_full.task "
    "from Google on another machine and set model.path to it"
)

#: Tells the user what share of the work is done.
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Network:
    """One of the two networks of a bundle.

    Attributes
    ----------
    member
        Its name in the bundle, as the Tasks API expects it.
    source
        Its path in the wheel.
    sha256
        Of the file in the wheel.
    mean, std
        How the 0..255 pixels are normalised, ``(pixel - mean) / std``: the detector
        takes -1..1, the landmark network 0..1.
    """

    member: str
    source: str
    sha256: str
    mean: float
    std: float


NETWORKS = (
    Network(
        "pose_detector.tflite",
        "mediapipe/modules/pose_detection/pose_detection.tflite",
        "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
        127.5,
        127.5,
    ),
    Network(
        "pose_landmarks_detector.tflite",
        "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
        "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
        0.0,
        255.0,
    ),
)


def ensure_model(path: Path | None = None) -> Path:
    """Return a pose model bundle that is whole, building the program's own if need be.

    What is being fetched is told on stderr: by a bar on a terminal, else in one line.

    Parameters
    ----------
    path
        The user's own bundle (``model.path``): looked at, never changed. None
        is the program's own, `paths.model_file`.

    Raises
    ------
    UserError
        The user's bundle is missing or no bundle, or the program's own could
        not be fetched, does not match its hashes or cannot be written.
    """
    if path is not None:
        own = paths.expanded(path)
        if fault := _fault_of_bundle(own):
            raise UserError(
                f"model.path: {own}: {fault}; give a MediaPipe pose landmarker bundle (.task), "
                'or "" for the program\'s own'
            )
        return own
    target = paths.model_file()
    fault = _fault_of_own(target)
    if fault is None:
        return target
    if os.path.lexists(target):
        _say(f"the pose model at {target} {fault}; fetching it again")
    with _telling(target) as tell:
        _build(target, tell)
    return target


def at_hand(path: Path | None = None) -> bool:
    """Return whether `ensure_model` would have nothing to fetch."""
    return path is not None or _fault_of_own(paths.model_file()) is None


def sidecar(bundle: Path) -> Path:
    """Return where the SHA-256 of the program's own bundle is kept."""
    return bundle.with_name(bundle.name + ".sha256")


def _fault_of_own(bundle: Path) -> str | None:
    try:
        said = sidecar(bundle).read_text(encoding="ascii", errors="replace").split()
        found = hashlib.sha256(bundle.read_bytes()).hexdigest()
    except FileNotFoundError:
        return "was not finished"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None if said[:1] == [found] else "is damaged"


def _fault_of_bundle(bundle: Path) -> str | None:
    try:
        with zipfile.ZipFile(bundle) as archive:
            for network in NETWORKS:
                # Reading a member to its end also checks its CRC.
                if archive.read(network.member)[4:8] != b"TFL3":
                    return f"its {network.member} is not a TensorFlow Lite model"
    except FileNotFoundError:
        return "no such file"
    except OSError as error:
        return error.strerror or str(error)
    except KeyError:
        return f"it holds no {network.member}"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        return f"not a bundle, or damaged ({error})"
    return None


def _build(target: Path, tell: Tell) -> None:
    try:
        paths.make_private(target.parent)
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target.parent))
        with tempfile.TemporaryDirectory(prefix="posture-monitor-") as scratch:
            wheel = _fetch(Path(scratch), tell)
            bundle = assemble(wheel)
        _write(target, bundle)
        digest = hashlib.sha256(bundle).hexdigest()
        _write(sidecar(target), f"{digest}  {target.name}\n".encode("ascii"))
    except OSError as error:
        raise UserError(_explain(error, target)) from error
    tell(1.0)


def _explain(error: OSError, target: Path) -> str:
    where = error.filename or target.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the pose model could not be kept at {where}: the disk is full; free 100 MB and try again"
    return (
        f"the pose model could not be kept at {where}: {error.strerror or error}; "
        "make the folder writable or set POSTURE_MONITOR_HOME to another one"
    )


def _fetch(scratch: Path, tell: Tell) -> Path:
    """Let pip download the wheel into `scratch`, and check it."""
    command = python("-m", "pip", "download", *_PIP_DOWNLOAD, "--dest", str(scratch))
    # pip unpacks into TMPDIR first: there its bytes can be counted, and go with `scratch`.
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with tempfile.TemporaryFile() as output:
        pip = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            while True:
                tell(min(_bytes_in(scratch) / WHEEL_BYTES, 1.0) * 0.95)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pip.wait(0.2)
                    break
        finally:
            if pip.poll() is None:
                pip.kill()
                pip.wait()
        output.seek(0)
        said = output.read().decode(errors="replace").splitlines()
    for line in said:
        log.debug("pip: %s", line)
    if pip.returncode != 0:
        raise UserError(_explain_pip(said, scratch.parent))
    wheel = scratch / WHEEL
    if not wheel.is_file():
        raise UserError(f"pip brought no {WHEEL} with the pose model; {_WAY_OUT}")
    if (found := hashlib.sha256(wheel.read_bytes()).hexdigest()) != WHEEL_SHA256:
        raise UserError(
            f"{WHEEL} is not the official file (its SHA-256 is {found[:12]}…, not {WHEEL_SHA256[:12]}…) "
            f"and was thrown away; see which package index pip is set to use, then {_WAY_OUT}"
        )
    return wheel


def _explain_pip(said: list[str], scratch: Path) -> str:
    text = "\n".join(said)
    if "No module named pip" in text:
        return (
            "the pose model is fetched through pip, and this Python has none; "
            f"run `{sys.executable} -m ensurepip`, then `posture-monitor doctor`"
        )
    if "No space left on device" in text:
        return f"the pose model could not be fetched: no space left in {scratch}; free 100 MB and try again"
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
    reason = errors[0] if errors else said[-1] if said else "no reason given"
    if "connection broken by" in text:
        reason = "no connection"
    return f"the pose model could not be fetched (pip: {reason}); {_WAY_OUT}"


def _bytes_in(folder: Path) -> int:
    total = 0
    for root, _folders, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # pip moves files while we look
                total += os.lstat(os.path.join(root, name)).st_size
    return total


def assemble(wheel: Path) -> bytes:
    """Return a pose landmarker bundle made from the networks in `wheel`.

    A bundle is a zip whose members are stored, not compressed: the Tasks API
    maps them straight from the file.

    Raises
    ------
    UserError
        A network is missing from the wheel or is not the official one.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as bundle, zipfile.ZipFile(wheel) as archive:
        for network in NETWORKS:
            try:
                plain = archive.read(network.source)
            except KeyError as error:
                raise UserError(f"{wheel.name} holds no {network.source}; {_WAY_OUT}") from error
            if hashlib.sha256(plain).hexdigest() != network.sha256:
                raise UserError(f"{network.source} in {wheel.name} is not the official file; {_WAY_OUT}")
            # ZipInfo's own fixed date, so that equal networks give equal bundles.
            bundle.writestr(zipfile.ZipInfo(network.member), _with_metadata(plain, network.mean, network.std))
    return packed.getvalue()


def _with_metadata(plain: bytes, mean: float, std: float) -> bytes:
    """Return a TensorFlow Lite model with the input normalisation the Tasks API looks for."""
    import flatbuffers

    model_schema, schema = _schema("schema_py_generated"), _schema("metadata_schema_py_generated")
    model = model_schema.ModelT.InitFromPackedBuf(plain, 0)

    options = schema.NormalizationOptionsT()
    options.mean, options.std = [mean], [std]
    step = schema.ProcessUnitT()
    step.optionsType, step.options = schema.ProcessUnitOptions.NormalizationOptions, options
    image = schema.TensorMetadataT()
    image.processUnits = [step]
    graph = schema.SubGraphMetadataT()
    graph.inputTensorMetadata = [image]
    graph.outputTensorMetadata = [schema.TensorMetadataT() for _ in model.subgraphs[0].outputs]
    metadata = schema.ModelMetadataT()
    metadata.subgraphMetadata = [graph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(metadata.Pack(builder), b"M001")

    buffer = model_schema.BufferT()
    buffer.data = list(builder.Output())
    model.buffers.append(buffer)
    entry = model_schema.MetadataT()
    entry.name, entry.buffer = b"TFLITE_METADATA", len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(plain) + 4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _schema(name: str) -> ModuleType:
    """Load one of MediaPipe's generated flatbuffers schemas by its file.

    They need flatbuffers alone. Importing them by name would first import all
    of MediaPipe, which only `posture_monitor.sensing.pose` may do.
    """
    for folder in paths.installed("mediapipe"):
        file = folder / "tasks" / "metadata" / f"{name}.py"
        spec = importlib.util.spec_from_file_location(f"{__name__}.{name}", file)
        if file.is_file() and spec and spec.loader:
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise UserError(
        f"mediapipe is missing, or has no {name}; "
        f"run `{sys.executable} -m pip install 'mediapipe>=1.2,<2'` and try again"
    )


def _write(target: Path, content: bytes) -> None:
    with replacing(target) as file:
        file.write(content)


def _say(text: str) -> None:
    print(f"posture-monitor: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _telling(target: Path) -> Iterator[Tell]:
    """Yield what tells the user how far it is."""
    notice = f"fetching the pose model ({WHEEL_BYTES / 1e6:.0f} MB, once, through pip)"
    if not sys.stderr.isatty():
        _say(notice)
        yield lambda _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task(notice, total=1.0)

        def tell(share: float) -> None:
            bar.update(task, completed=share)
            if share >= 1.0:
                bar.update(task, description=f"the pose model is ready: {target}")

        yield tell
