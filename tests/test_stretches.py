"""The moves: complete, brief, and going round."""

from __future__ import annotations

import datetime

import pytest

from posture_monitor.telling import language, stretches
from posture_monitor.telling.stretches import MOVES, Move


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.name)
def test_each_move_is_complete_and_brief(move: Move) -> None:
    assert move.name
    assert len(move.how) <= 160  # two lines of a terminal
    assert 2 <= move.how.count(".") <= 3
    assert any(character.isdigit() for character in move.long)
    assert move.unless
    assert move.source
    assert "http" not in move.source


def test_the_moves_asked_for_are_there() -> None:
    names = {move.name for move in MOVES}
    assert {
        "Cat-cow",
        "Standing extension",
        "Hip-flexor stretch",
        "Bird-dog",
        "Chin tuck",
        "Shoulder-blade squeeze",
        "Short walk",
    } <= names
    assert len(names) == len(MOVES)


def test_picking_goes_round_every_move() -> None:
    assert {stretches.pick(index) for index in range(-3, len(MOVES) - 3)} == set(MOVES)
    assert stretches.pick(0) == stretches.pick(len(MOVES))
    at_the_desk = {stretches.pick(index, standing_only=True) for index in range(20)}
    assert len(at_the_desk) > 5
    assert not any("hands and knees" in move.how for move in at_the_desk)


def test_asking_again_later_shows_another() -> None:
    noon = datetime.datetime(2026, 3, 2, 12, 0)
    later = noon + datetime.timedelta(minutes=15)
    assert stretches.choose(noon) != stretches.choose(later)
    assert stretches.choose(noon) == stretches.choose(noon + datetime.timedelta(minutes=14))


def test_rendered_for_the_terminal() -> None:
    language.use("en")
    text = stretches.render(stretches.pick(2))
    assert text.startswith("Chin tuck\n")
    for part in ("How much: 5 times", "Leave it out if: ", "Source: NHS"):
        assert part in text
