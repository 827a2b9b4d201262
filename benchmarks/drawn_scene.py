"""A room with its lights, a webcam in it, and the pictures that it takes, drawn by OpenGL without a screen.

Axes as in `drawn_body`: the room stands around somebody who sits on the origin and looks along -y, z is up.
Metres; colours are parts of red, green and blue in linear light.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.sensing.opencv import cv2

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

#: Part of the rooms that are dim.
DIM = 0.25
#: Pictures are drawn this many times larger, each way, and then brought down to size.
FINER = 2


@dataclass(frozen=True)
class Surface:
    """Something to draw.

    Attributes
    ----------
    rest
        ``(V, 3)`` its vertices where the pattern of its grain is taken.
    triangles
        ``(T, 3)`` indices of vertices.
    colour
        ``(V, 3)``.
    thickness
        ``(V,)`` metres by which it stands off the vertices, as cloth and hair do; None for not at all.
    gloss
        From 0 (matt) to 1.
    grain, grain_per_m
        How much darker and brighter the grain is (a part), and how fine.
    """

    rest: Array
    triangles: npt.NDArray[np.intp]
    colour: Array
    thickness: Array | None = None
    gloss: float = 0.1
    grain: float = 0.2
    grain_per_m: float = 8.0


@dataclass(frozen=True)
class Camera:
    """A webcam.

    Attributes
    ----------
    on_laptop
        At the height of a laptop's; else that of a monitor's.
    position, target
        ``(3,)`` where it is and what it is aimed at.
    across_deg
        What it sees from the left to the right edge.
    size
        Width and height of its pictures, pixels.
    """

    on_laptop: bool
    position: Array
    target: Array
    across_deg: float
    size: tuple[int, int]

    @classmethod
    def random(cls, rng: np.random.Generator) -> Camera:
        """Return a camera before somebody's face, or to the side of it."""
        on_laptop = bool(rng.random() < 0.55)
        aside = math.radians(rng.uniform(-8, 8) if rng.random() < 0.6 else rng.uniform(-32, 32))
        away, height = rng.uniform(0.6, 0.9), rng.uniform(0.42, 0.6) if on_laptop else rng.uniform(0.78, 0.95)
        face_y = -0.14
        return cls(
            on_laptop,
            np.array([away * math.sin(aside), face_y - away * math.cos(aside), height]),
            np.array([rng.uniform(-0.05, 0.05), face_y + 0.1, rng.uniform(0.62, 0.72)]),
            float(rng.uniform(58, 78)),
            ((448, 336), (512, 288), (368, 368), (448, 336))[rng.integers(4)],
        )

    @property
    def view(self) -> Array:
        """Return the ``(4, 4)`` matrix from the room to the camera's own axes: right, up, backwards."""
        back = self.position - self.target
        right = np.cross([0, 0, 1], back)
        axes = np.array([right, np.cross(back, right), back])
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        return np.vstack([np.column_stack([axes, -axes @ self.position]), [0, 0, 0, 1]])

    @property
    def projection(self) -> Array:
        """Return OpenGL's ``(4, 4)`` matrix of this lens."""
        focal, near, far = 1 / math.tan(math.radians(self.across_deg / 2)), 0.02, 30.0
        width, height = self.size
        matrix = np.diag([focal, focal * width / height, (far + near) / (near - far), 0])
        matrix[2, 3], matrix[3, 2] = 2 * far * near / (near - far), -1
        return matrix

    def seen(self, point: Array) -> tuple[float, float]:
        """Return how far up the picture a point lies (over its depth), and its depth in metres."""
        _, up, back, _ = self.view @ np.append(point, 1)
        return float(-up / back), float(-back)


@dataclass(frozen=True)
class Light:
    """A lamp, a window or a screen: where it is, ``(3,)``, and how bright in each colour, ``(3,)``."""

    position: Array
    colour: Array


@dataclass(frozen=True)
class Room:
    """Walls and things before them, and the light on them; `dim` where there is little."""

    surface: Surface
    lights: tuple[Light, Light, Light]
    ambient: float
    dim: bool

    @classmethod
    def random(cls, rng: np.random.Generator) -> Room:
        """Return a room with some things at the wall, a desk, and often the back of a chair."""
        u = rng.uniform
        wall, depth, floor = u(0.35, 0.85, 3) * 0.3 + u(0.3, 0.6), u(0.9, 2.6), u(0.1, 0.4, 3)
        boxes = [
            _box((0, depth, 1), (8, 0.1, 4), wall),
            *(_box((x, 0, 1), (0.1, 8, 4), wall * 0.9) for x in (-2.4, 2.4)),
            _box((0, 0, -0.55), (8, 8, 0.1), floor),
            _box((0, 0, 2.2), (8, 8, 0.1), (0.8, 0.8, 0.78)),
        ]
        for _ in range(rng.integers(3, 10)):
            place, size = (
                (u(-2, 2), depth - u(0.1, 0.5), u(-0.4, 1.5)),
                (u(0.1, 0.7), u(0.1, 0.3), u(0.1, 0.9)),
            )
            boxes.append(_box(place, size, u(0.02, 0.8, 3), u(-17, 17)))
        if rng.random() < 0.75:
            height = u(0.35, 0.75)
            boxes.append(_box((0, 0.2, height / 2), (u(0.4, 0.52), 0.07, height), u(0.01, 0.15, 3)))
        boxes.append(_box((0, -0.8, u(0.1, 0.16)), (1.4, 0.9, 0.03), u(0.05, 0.6, 3)))
        dim = bool(rng.random() < DIM)
        bright = u(0.1, 0.25) if dim else 1.0
        side = rng.choice([-1, 1])
        lights = (
            Light(np.array([side * u(1, 2.1), u(-1.5, 0.3), u(0.8, 1.6)]), u(0.5, 1.4) * bright * _DAY),
            Light(np.array([u(-1, 1), u(-1, 1), 2.1]), u(0.4, 1.1) * bright * _LAMP),
            Light(np.array([u(-0.1, 0.1), -0.75, u(0.3, 0.6)]), u(0.05, 0.15) * bright * _SCREEN),
        )
        vertices = np.concatenate([place for place, _ in boxes])
        colour = np.concatenate([np.tile(colour, (len(place), 1)) for place, colour in boxes])
        corners = np.arange(len(vertices)).reshape(-1, 4)
        triangles = np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
        return cls(Surface(vertices, triangles, colour), lights, 0.28 * bright, dim)


_DAY, _LAMP, _SCREEN = np.array([1, 0.97, 0.93]), np.array([1, 0.92, 0.82]), np.array([0.8, 0.9, 1])


def _box(
    centre: Sequence[float], size: Sequence[float], colour: npt.ArrayLike, turned_deg: float = 0.0
) -> tuple[Array, Array]:
    """Return the ``(24, 3)`` corners of a box, four for each face, and its colour."""
    faces = []
    for axis, side in itertools.product(range(3), (-1, 1)):
        for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            corner = np.zeros(3)
            corner[[axis, (axis + 1) % 3, (axis + 2) % 3]] = side, a, b
            faces.append(corner * np.asarray(size) / 2)
    c, s = math.cos(math.radians(turned_deg)), math.sin(math.radians(turned_deg))
    turned = np.array(faces) @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    return turned + np.asarray(centre), np.asarray(colour, dtype=np.float64)


_VERTEX_SHADER = """#version 330
in vec3 position, normal, colour, rest;
uniform mat4 projection, view;
out vec3 at, facing, paint, pattern;
void main() {
    at = position; facing = normal; paint = colour; pattern = rest;
    gl_Position = projection * view * vec4(position, 1);
}"""
_FRAGMENT_SHADER = """#version 330
in vec3 at, facing, paint, pattern;
uniform vec3 light[3], light_colour[3], eye;
uniform float ambient, gloss, grain, grain_per_m;
out vec4 pixel;
float scattered(vec3 p) {
    p = fract(p * .3183099 + .1) * 17.;
    return fract(p.x * p.y * p.z * (p.x + p.y + p.z));
}
float noise(vec3 p) {
    vec3 cell = floor(p), w = fract(p);
    w = w * w * (3. - 2. * w);
    float sum = 0.;
    for (int k = 0; k < 8; k++) {
        vec3 corner = vec3(k & 1, k >> 1 & 1, k >> 2), near = mix(1. - w, w, corner);
        sum += near.x * near.y * near.z * scattered(cell + corner);
    }
    return sum;
}
void main() {
    vec3 n = normalize(facing), to_eye = normalize(eye - at);
    if (dot(n, to_eye) < 0.) n = -n;
    vec3 p = pattern * grain_per_m;
    vec3 base = paint * (1. - grain + grain * 1.2 * (noise(p) + .5 * noise(p * 2.7)));
    vec3 sum = base * ambient * (.65 + .35 * clamp(n.z * .5 + .6, 0., 1.));
    for (int k = 0; k < 3; k++) {
        vec3 to_light = light[k] - at;
        float r = length(to_light);
        to_light /= r;
        float falling = max(dot(n, to_light) * .85 + .15, 0.) / (.4 + .35 * r * r);
        float mirrored = pow(max(dot(n, normalize(to_light + to_eye)), 0.), 24.);
        sum += light_colour[k] * falling * (base + gloss * .35 * mirrored);
    }
    pixel = vec4(sum, 1);
}"""


def context() -> Any:
    """Return an OpenGL context that needs no screen; release it.

    Raises
    ------
    UserError
        There is no moderngl, or no OpenGL that draws without a screen.
    """
    try:
        import moderngl
    except ImportError as error:
        raise UserError("drawing people needs moderngl: pip install moderngl") from error
    try:
        return moderngl.create_context(standalone=True, backend="egl")
    except Exception as error:  # moderngl raises nothing narrower
        raise UserError(
            f"no OpenGL draws without a screen here ({error}); on Debian: apt install libegl1 libgl1"
        ) from error


class Drawing:
    """Takes pictures of surfaces in a room; close it, or use it in ``with``.

    Raises
    ------
    UserError
        See `context`.
    """

    def __init__(self, room: Room, camera: Camera, surfaces: Iterable[Surface]) -> None:
        self._context = context()
        self._context.enable(self._context.DEPTH_TEST)
        self._camera, self._room = camera, room
        self._program = self._context.program(vertex_shader=_VERTEX_SHADER, fragment_shader=_FRAGMENT_SHADER)
        for name, value in (
            ("projection", camera.projection.T),  # OpenGL goes column by column
            ("view", camera.view.T),
            ("light", [light.position for light in room.lights]),
            ("light_colour", [light.colour for light in room.lights]),
            ("eye", camera.position),
            ("ambient", room.ambient),
        ):
            self._program[name].write(np.array(value, dtype="f4").tobytes())
        width, height = (FINER * side for side in camera.size)
        self._target = self._context.framebuffer(
            [self._context.texture((width, height), 4, dtype="f4")],
            self._context.depth_renderbuffer((width, height)),
        )
        self._parts = [self._part(surface) for surface in (room.surface, *surfaces)]

    def _part(self, surface: Surface) -> tuple[Surface, Any, Any]:
        """Return a surface with the buffer for what moves and the array that draws it."""
        fixed = self._context.buffer(np.hstack([surface.colour, surface.rest]).astype("f4").tobytes())
        moving = self._context.buffer(reserve=fixed.size)
        array = self._context.vertex_array(
            self._program,
            [(moving, "3f 3f", "position", "normal"), (fixed, "3f 3f", "colour", "rest")],
            index_buffer=self._context.buffer(surface.triangles.astype("i4").tobytes()),
        )
        return surface, moving, array

    def picture(self, vertices: Array, rng: np.random.Generator) -> Picture:
        """Return what the camera sees, ``(height, width, 3)`` BGR.

        Parameters
        ----------
        vertices
            ``(V, 3)`` where the vertices of all surfaces but the room's are now.
        rng
            For blur and noise of the sensor.
        """
        self._target.use()
        self._target.clear(0.5, 0.5, 0.5, 1)
        for surface, moving, array in self._parts:
            at = surface.rest if surface is self._room.surface else vertices
            normal = _normals(at, surface.triangles)
            if surface.thickness is not None:
                at = at + normal * surface.thickness[:, None]
                normal = _normals(at, surface.triangles)
            moving.write(np.hstack([at, normal]).astype("f4").tobytes())
            for name in ("gloss", "grain", "grain_per_m"):
                self._program[name].value = getattr(surface, name)
            array.render()
        height, width = self._target.height, self._target.width
        drawn = np.frombuffer(self._target.read(components=3, dtype="f4"), dtype="f4")
        light = cv2.resize(
            drawn.reshape(height, width, 3)[::-1], self._camera.size, interpolation=cv2.INTER_AREA
        )
        return _sensed(light, self._room.dim, rng)

    def close(self) -> None:
        """Give back what OpenGL holds."""
        self._context.release()

    def __enter__(self) -> Drawing:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _normals(vertices: Array, triangles: npt.NDArray[np.intp]) -> Array:
    """Return the direction that each vertex faces, ``(V, 3)``: the mean over its triangles, by their size."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    of_triangles = np.cross(b - a, c - a)
    normals = np.column_stack(
        [np.bincount(triangles.ravel(), np.repeat(of_triangles[:, k], 3), len(vertices)) for k in range(3)]
    )
    directions: Array = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return directions


def _sensed(light: npt.NDArray[np.float32], dim: bool, rng: np.random.Generator) -> Picture:
    """Return linear RGB light as a webcam's BGR picture: sRGB's curve, a soft lens, noise."""
    light = np.clip(light, 0, 1)
    curved = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    picture = cv2.GaussianBlur(255 * curved[..., ::-1], (0, 0), rng.uniform(0.4, 0.9))
    noise = rng.normal(0, rng.uniform(2, 5) if dim else rng.uniform(0.8, 3), picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)
