"""A small collection of moves for a break, each in two lines, with when to leave it out.

They are common, gentle ones from general guidance: the exercise pages of the
NHS on back pain, neck pain and sitting, the HSE's advice on work with display
screens, and the usual programme for a stable trunk. They are suggestions to
move, not treatment; the best supported advice is to change posture often.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final

from posture_monitor.telling.language import mark, say


@dataclass(frozen=True)
class Move:
    """One move.

    Attributes
    ----------
    name
        What it is called.
    how
        How it goes, in two lines' worth of words.
    long
        For how long, or how often.
    unless
        When to leave it out.
    source
        The kind of guidance it is taken from.
    standing
        It can be done beside the desk, in work clothes.
    """

    name: str
    how: str
    long: str
    unless: str
    source: str
    standing: bool = True


_NHS_BACK: Final = mark("NHS exercise advice for the back")
_NHS_NECK: Final = mark("NHS exercise advice for the neck and shoulders")
_NHS_SITTING: Final = mark("NHS exercises to break up sitting")
_HSE: Final = mark("HSE advice on work with display screens")
_TRUNK: Final = mark("common trunk-stability exercises (McGill)")

MOVES: Final[tuple[Move, ...]] = (
    Move(
        mark("Short walk"),
        mark(
            "Walk to the window, the kitchen or round the room. "
            "Let your arms swing and look into the distance."
        ),
        mark("2 to 3 minutes"),
        mark("walking hurts today; then just stand and shift your weight"),
        _HSE,
    ),
    Move(
        mark("Standing extension"),
        mark(
            "Stand with your feet apart and your hands on the small of your back. "
            "Lean gently back over your hands, pause, and come up again."
        ),
        mark("5 times, slowly"),
        mark("leaning back brings pain into a leg, or makes you dizzy"),
        _NHS_BACK,
    ),
    Move(
        mark("Chin tuck"),
        mark(
            "Look straight ahead and slide your chin straight back, as if to make a double chin. "
            "Hold it lightly, then let go."
        ),
        mark("5 times, 5 seconds each"),
        mark("it brings pain or tingling into an arm"),
        _NHS_NECK,
    ),
    Move(
        mark("Shoulder-blade squeeze"),
        mark(
            "Let your arms hang and draw your shoulder blades back and down towards each other. "
            "Keep your neck easy and breathe."
        ),
        mark("8 times, 5 seconds each"),
        mark("a shoulder is freshly injured"),
        _NHS_NECK,
    ),
    Move(
        mark("Hip-flexor stretch"),
        mark(
            "Take a long step forward and hold on to the desk. Bend the front knee, "
            "keep your trunk upright, until the front of the other hip feels stretched."
        ),
        mark("20 seconds each side"),
        mark("a hip or knee is painful or newly operated on"),
        _NHS_SITTING,
    ),
    Move(
        mark("Reach and side bend"),
        mark(
            "Reach one arm up and lean slowly to the other side, feet flat. "
            "Come back to the middle and change."
        ),
        mark("5 times each side"),
        mark("lifting the arm hurts"),
        _NHS_BACK,
    ),
    Move(
        mark("Sit to stand"),
        mark(
            "Stand up from the chair without using your hands, and sit down again slowly. "
            "Knees over the feet."
        ),
        mark("8 times"),
        mark("the chair rolls away, or a knee is painful"),
        _NHS_SITTING,
    ),
    Move(
        mark("Calf raises"),
        mark(
            "Hold on to the desk, rise on to your toes, and come down slowly. "
            "Keep the knees straight, not locked."
        ),
        mark("12 times"),
        mark("a calf or the heel tendon is painful"),
        _NHS_SITTING,
    ),
    Move(
        mark("Trunk turns"),
        mark(
            "Stand or sit with your arms folded across your chest. Turn your trunk slowly to one side "
            "as far as is easy, then to the other."
        ),
        mark("5 times each side"),
        mark("turning brings pain into a leg"),
        _NHS_SITTING,
    ),
    Move(
        mark("Cat-cow"),
        mark(
            "On hands and knees, round your back slowly towards the ceiling, then let it sink. "
            "Move only as far as is easy."
        ),
        mark("6 to 8 slow rounds"),
        mark("kneeling or leaning on your wrists hurts"),
        _TRUNK,
        standing=False,
    ),
    Move(
        mark("Bird-dog"),
        mark(
            "On hands and knees, stretch one arm forward and the opposite leg back, level with your trunk. "
            "Keep your back still, then change."
        ),
        mark("5 times each side, 8 seconds each"),
        mark("kneeling hurts, or your back hurts as you lift"),
        _TRUNK,
        standing=False,
    ),
    Move(
        mark("Wall press-up"),
        mark(
            "Stand an arm's length from a wall, hands at shoulder height. "
            "Bend your elbows and push away again."
        ),
        mark("10 times"),
        mark("a shoulder or wrist is painful"),
        _NHS_SITTING,
    ),
)


def pick(index: int, *, standing_only: bool = False) -> Move:
    """Return the move of this number; the collection goes round.

    Parameters
    ----------
    index
        Any whole number: a suggestion's id, the day of the year.
    standing_only
        Leave out those that need the floor.
    """
    moves = [move for move in MOVES if move.standing or not standing_only]
    return moves[index % len(moves)]


def choose(now: datetime.datetime | None = None) -> Move:
    """Return the move for this quarter of an hour, so that asking again later shows another."""
    now = now or datetime.datetime.now()
    return pick(now.toordinal() * 96 + now.hour * 4 + now.minute // 15)


def render(move: Move) -> str:
    """Return a move as a few lines for the terminal, in the language in use."""
    lines = (
        say(move.name),
        "",
        f"  {say(move.how)}",
        "",
        f"  {say('How much')}: {say(move.long)}",
        f"  {say('Leave it out if')}: {say(move.unless)}",
        f"  {say('Source')}: {say(move.source)}",
    )
    return "\n".join(lines)
