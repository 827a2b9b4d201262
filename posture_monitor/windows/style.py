"""How the windows look: colours for day and night, fonts, spacing, and one application for all of them.

The colours are those of the report (``telling/report/page.css``): good, mild and
poor differ in lightness as well as in hue, so that they are told apart without
colour vision too.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPalette, QPen
from PySide6.QtWidgets import QApplication

from posture_monitor import paths
from posture_monitor.service.signals import handled
from posture_monitor.telling.words import ICON

#: Space between things, in device-independent pixels; everything is a multiple of it.
UNIT: Final = 8
#: Radius of the corners of cards and pictures.
RADIUS: Final = 12
#: The least size of the font, in points. A bare X server says 9; our windows are looked at from where one
#: sits upright.
POINTS: Final = 10.5


@dataclass(frozen=True)
class Palette:
    """The colours of a window.

    Attributes
    ----------
    paper, card, line
        Behind everything, behind a group, and between groups.
    ink, muted, faint
        Text, secondary text, and what is hardly there.
    accent
        What is to be pressed, and progress.
    good, mild, poor, unknown, away, paused, busy
        One for each state.
    dark
        Whether this is the night's palette.
    """

    paper: QColor
    card: QColor
    line: QColor
    ink: QColor
    muted: QColor
    faint: QColor
    accent: QColor
    on_accent: QColor
    good: QColor
    mild: QColor
    poor: QColor
    unknown: QColor
    away: QColor
    paused: QColor
    busy: QColor
    dark: bool

    def of_state(self, state: str) -> QColor:
        """Return the colour of a state by its name; that of *unknown* for one that has none."""
        colour = getattr(self, state, None)
        return colour if isinstance(colour, QColor) else self.unknown


def _palette(dark: bool, **colours: str) -> Palette:
    return Palette(dark=dark, **{name: QColor(colour) for name, colour in colours.items()})


DAY: Final = _palette(
    False,
    paper="#f7f6f3", card="#ffffff", line="#dcdfe3", ink="#1d232a", muted="#59636e", faint="#a9b1ba",
    accent="#0072b2", on_accent="#ffffff",
    good="#0072b2", mild="#bb8400", poor="#b33508",
    unknown="#8a63c2", away="#87919c", paused="#66717d", busy="#2f8f8b",
)  # fmt: skip
NIGHT: Final = _palette(
    True,
    paper="#13161a", card="#1b1f24", line="#343b43", ink="#e8eaed", muted="#a3adb8", faint="#66717d",
    accent="#56b4e9", on_accent="#0d1319",
    good="#56b4e9", mild="#f2bd4b", poor="#ff7f50",
    unknown="#b79ce6", away="#75808b", paused="#98a2ad", busy="#62c4bf",
)  # fmt: skip


def _stark(colours: Palette, paper: str, ink: str) -> Palette:
    """Return a palette with nothing but ink on paper; the states keep their colours."""
    back, front = QColor(paper), QColor(ink)
    return replace(colours, paper=back, card=back, line=front, ink=front, muted=front, faint=colours.muted)


STARK_DAY: Final = _stark(DAY, "white", "black")
STARK_NIGHT: Final = _stark(NIGHT, "black", "white")


def application() -> QApplication:
    """Return the one application of this process, made at the first call and dressed as the desktop is."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    # Fractions such as 1.5 are drawn as they are, not rounded to 2: everything here is drawn, not a bitmap.
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    app = QApplication(["posture-monitor"])
    app.setApplicationName("posture-monitor")
    app.setApplicationDisplayName("Posture monitor")
    app.setDesktopFileName(paths.APP)
    app.setStyle("Fusion")  # one that a palette of our own reaches everywhere
    dress(app)
    # A desktop that turns dark in the evening takes its windows along.
    hints = app.styleHints()
    hints.colorSchemeChanged.connect(lambda _scheme: dress(app))
    if hasattr(hints, "accessibility"):
        hints.accessibility().contrastPreferenceChanged.connect(lambda _contrast: dress(app))
    return app


def until_closed(app: QApplication) -> int:
    """Let the windows live until they are closed; Ctrl-C closes them, and goes on as anywhere else.

    Left to Python, the interrupt would be raised in whatever Qt happens to call, printed there, and
    forgotten, with the window still open.

    Raises
    ------
    KeyboardInterrupt
        It was Ctrl-C that closed them.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        return app.exec()
    asked = False

    def ask(*_: object) -> None:
        nonlocal asked
        asked = True
        QTimer.singleShot(0, app.quit)  # not from amid a window that is being drawn

    with handled(("SIGINT",), ask):
        status = app.exec()
    if asked:
        raise KeyboardInterrupt
    return status


def is_dark() -> bool:
    """Return whether the desktop is dark, by what it says; a bare window manager only says so to GTK."""
    scheme = QGuiApplication.styleHints().colorScheme()
    if scheme is Qt.ColorScheme.Unknown:
        return os.environ.get("GTK_THEME", "").lower().endswith(("dark", ":dark"))
    return scheme is Qt.ColorScheme.Dark


def is_stark() -> bool:
    """Return whether the desktop asks for high contrast; Qt before 6.10 does not know."""
    hints = QGuiApplication.styleHints()
    if not hasattr(hints, "accessibility"):
        return False
    return hints.accessibility().contrastPreference() is Qt.ContrastPreference.HighContrast


def palette() -> Palette:
    """Return the colours for the desktop as it is now."""
    if is_stark():
        return STARK_NIGHT if is_dark() else STARK_DAY
    return NIGHT if is_dark() else DAY


def dress(app: QApplication) -> None:
    """Give the application our icon, font, colours and style sheet."""
    colours = palette()
    app.setWindowIcon(QIcon(str(ICON)))
    app.setFont(font())
    qt = QPalette()
    role = QPalette.ColorRole
    for which, colour in (
        (role.Window, colours.paper),
        (role.Base, colours.card),
        (role.AlternateBase, colours.paper),
        (role.Button, colours.card),
        (role.WindowText, colours.ink),
        (role.Text, colours.ink),
        (role.ButtonText, colours.ink),
        (role.ToolTipBase, colours.card),
        (role.ToolTipText, colours.ink),
        (role.PlaceholderText, colours.faint),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.on_accent),
        (role.Accent, colours.accent),
        (role.Link, colours.accent),
    ):
        qt.setColor(which, colour)
    for which in (role.WindowText, role.Text, role.ButtonText):
        qt.setColor(QPalette.ColorGroup.Disabled, which, colours.faint)
    app.setPalette(qt)
    app.setStyleSheet(sheet(colours))


def font(scale: float = 1.0, *, bold: bool = False, figures: bool = False) -> QFont:
    """Return the desktop's own font.

    Parameters
    ----------
    scale
        Of its size; no text is smaller than 0.85.
    bold
        A little heavier, for headings.
    figures
        With figures of one width, so that a number that changes does not make its neighbours jump.
    """
    base = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    base.setPointSizeF(max(base.pointSizeF(), POINTS) * scale)
    base.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    base.setStyleStrategy(QFont.StyleStrategy.PreferAntialias)
    base.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if figures and hasattr(base, "setFeature"):
        base.setFeature(QFont.Tag("tnum"), 1)
    return base


def enlarged(pixels: float) -> int:
    """Return a length that grows with the desktop's font, so that what is written has room."""
    return round(pixels * font().pointSizeF() / POINTS)


def pen(colour: QColor, width: float) -> QPen:
    """Return a pen whose lines have round ends and corners."""
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)


def faded(colour: QColor, opacity: float) -> QColor:
    """Return a colour made transparent, 0..1."""
    out = QColor(colour)
    out.setAlphaF(max(0.0, min(1.0, opacity)))
    return out


def mixed(one: QColor, other: QColor, part: float) -> QColor:
    """Return a colour between two, 0 the first, 1 the second."""
    ends = ([c.redF(), c.greenF(), c.blueF(), c.alphaF()] for c in (one, other))
    return QColor.fromRgbF(*(a + (b - a) * part for a, b in zip(*ends, strict=True)))


def sheet(colours: Palette) -> str:
    """Return the style sheet: the button to press first (``primary``), the others quiet, round cards."""
    press = mixed(colours.accent, colours.ink, 0.18)
    return f"""
    QWidget#paper {{ background: {colours.paper.name()}; }}
    QFrame#card {{ background: {colours.card.name()}; border: 1px solid {colours.line.name()};
                   border-radius: {RADIUS}px; }}
    QLabel {{ color: {colours.ink.name()}; background: transparent; }}
    QLabel[role="muted"] {{ color: {colours.muted.name()}; }}
    QPushButton {{ padding: 9px 18px; border-radius: 9px; border: 1px solid {colours.line.name()};
                   background: {colours.card.name()}; color: {colours.ink.name()}; }}
    QPushButton:hover {{ border-color: {colours.faint.name()}; }}
    QPushButton:focus {{ border: 2px solid {colours.accent.name()}; padding: 8px 17px; }}
    QPushButton:disabled {{ color: {colours.faint.name()}; }}
    QPushButton[role="primary"] {{ background: {colours.accent.name()}; color: {colours.on_accent.name()};
                                   border-color: {colours.accent.name()}; font-weight: 600; }}
    QPushButton[role="primary"]:hover {{ background: {press.name()}; border-color: {press.name()}; }}
    QPushButton[role="primary"]:focus {{ border-color: {colours.ink.name()}; }}
    QPushButton[role="plain"] {{ background: transparent; color: {colours.muted.name()}; }}
    QPushButton[role="plain"]:!focus {{ border-color: transparent; }}
    QPushButton[role="plain"]:hover, QPushButton[role="plain"]:focus {{ color: {colours.ink.name()}; }}
    QScrollArea#plain, QScrollArea#plain > QWidget > QWidget {{ background: transparent; }}
    QScrollArea#plain {{ border: 2px solid transparent; border-radius: {RADIUS // 2}px; }}
    QScrollArea#plain:focus {{ border-color: {colours.accent.name()}; }}
    QScrollBar:vertical {{ background: transparent; width: {UNIT}px; margin: 0; }}
    QScrollBar::handle {{ background: {colours.muted.name()}; border-radius: {UNIT // 2}px;
                          min-height: 24px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background: none; }}
    QToolTip {{ color: {colours.ink.name()}; background: {colours.card.name()};
                border: 1px solid {colours.line.name()}; padding: 4px 8px; }}
    """
