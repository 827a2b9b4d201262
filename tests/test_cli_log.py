"""``log`` as it is typed: a diary that asks when called bare, and advice that comes once."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time

import pytest
from history_maker import wall
from typed import done, refused, typed

from posture_monitor import paths
from posture_monitor.cli.errors import INTERRUPTED
from posture_monitor.history.diary import ASK_A_DOCTOR, SEEK_CARE, Diary, Episode
from posture_monitor.history.timeline import utc_offset_s

pytestmark = pytest.mark.usefixtures("home")


def log(*words: str, answers: str | None = None) -> str:
    return done("log", *words, answers=answers)


def kept() -> list[Episode]:
    return Diary(paths.history_file()).list()


def test_a_spasm_is_kept_as_it_was_told() -> None:
    began_s = time.time()
    said = log(
        "spasm", "--pain", "6", "--trigger", "lifting", "--symptom", "sharp", "--symptom", "aching",
        "--note", "a crate",
    )  # fmt: skip
    (entry,) = kept()
    assert (entry.pain, entry.trigger, entry.symptoms, entry.note) == (
        6, "lifting", ("sharp", "aching"), "a crate",
    )  # fmt: skip
    assert began_s - 1 <= entry.wall_s <= time.time()
    assert "pain 6 of 10; lifting; sharp, aching; a crate" in said
    if os.name == "posix":
        assert stat.S_IMODE(paths.history_file().stat().st_mode) == 0o600


def test_a_spasm_of_another_day() -> None:
    log("spasm", "--pain", "2", "--at", "2025-03-02 14:05")
    assert kept()[0].wall_s == wall("2025-03-02 14:05")


@pytest.mark.parametrize("bare", [[], ["spasm"]])
def test_called_bare_it_asks_and_asks_again_after_nonsense(bare: list[str]) -> None:
    said = log(
        *bare, answers="eleven\n11\n7\nsoon\n2025-03-02 14:05\nmoon\nbending\nodd\nsharp, stiffness\nin bed\n"
    )
    (entry,) = kept()
    assert (entry.pain, entry.trigger, entry.symptoms, entry.note, entry.wall_s) == (
        7, "bending", ("sharp", "stiffness"), "in bed", wall("2025-03-02 14:05"),
    )  # fmt: skip
    assert said.count("Pain, from 0") == 3
    assert "no such symptom: 'odd'" in said
    assert "no such trigger: 'moon'; it can be overexertion, " in said
    assert "Trigger: overexertion, lifting," in said
    assert said.count("Enter for none") == 5, "said whenever what may be left open is asked"
    assert "several with commas or spaces" in said
    assert "''" not in said
    assert "no such time: 'soon'" in said


def test_all_but_the_pain_may_be_left_unanswered() -> None:
    log(answers="3\n\n\n\n\n")
    (entry,) = kept()
    assert (entry.pain, entry.trigger, entry.symptoms, entry.note) == (3, "", (), "")
    assert entry.wall_s == pytest.approx(time.time(), abs=60)


def test_what_was_given_is_not_asked_for() -> None:
    given = ("--trigger", "bending", "--symptom", "sharp", "--note", "in bed")
    said = log("spasm", *given, answers="5\n\n")
    assert said.count("Enter for none") == 0
    (entry,) = kept()
    assert (entry.pain, entry.trigger, entry.symptoms, entry.note) == (5, "bending", ("sharp",), "in bed")


def test_nobody_to_ask_is_one_line() -> None:
    assert refused("log", answers="") == "there is nobody to ask; give --pain"
    assert kept() == []


def test_ctrl_c_at_a_question_is_130_and_keeps_nothing() -> None:
    asking = subprocess.Popen(
        [sys.executable, "-m", "posture_monitor", "log"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs these tests in the background has it ignored, and this is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert asking.stdout is not None
    assert asking.stdout.read(4) == "Pain"
    time.sleep(0.3)  # nobody is quicker; what comes before it waits for an answer is missed
    asking.send_signal(signal.SIGINT)
    _, errors = asking.communicate(timeout=20)
    assert (asking.returncode, errors) == (INTERRUPTED, "")
    assert kept() == []


@pytest.mark.parametrize("symptom", ["tingling", "numbness", "weakness"])
def test_a_sign_that_needs_a_doctor_brings_up_the_text_once(symptom: str) -> None:
    said = log("spasm", "--pain", "3", "--symptom", "aching", "--symptom", symptom)
    assert said.count(SEEK_CARE) == 1
    assert "emergency department now" in said
    # It has been read; changing a note does not bring it up again.
    assert SEEK_CARE not in log("edit", "1", "--note", "better now")
    assert SEEK_CARE not in log("list")


def test_strong_pain_brings_up_one_line_when_it_is_entered() -> None:
    assert ASK_A_DOCTOR not in log("spasm", "--pain", "7")
    assert log("spasm", "--pain", "8").endswith(f"\n\n{ASK_A_DOCTOR}\n")
    assert ASK_A_DOCTOR not in log("edit", "2", "--note", "it has been read")
    assert ASK_A_DOCTOR in log("edit", "1", "--pain", "9")
    assert ASK_A_DOCTOR not in log("edit", "1", "--pain", "3")
    assert ASK_A_DOCTOR not in log("spasm", "--pain", "9", "--symptom", "numbness"), "the text says more"


def test_a_strained_back_brings_up_no_such_text() -> None:
    said = log("spasm", "--pain", "10", "--symptom", "sharp", "--symptom", "radiating")
    assert SEEK_CARE not in said
    assert SEEK_CARE in log("edit", "1", "--symptom", "numbness")


def test_edit_changes_what_is_given_and_nothing_else() -> None:
    log("spasm", "--pain", "6", "--at", "2025-03-02 14:05", "--trigger", "lifting", "--symptom", "sharp")
    before = kept()[0]
    log("edit", "1", "--pain", "0", "--note", "gone")
    after = kept()[0]
    assert (after.pain, after.note) == (0, "gone")
    assert (after.wall_s, after.utc_offset_s, after.trigger, after.symptoms) == (
        before.wall_s, before.utc_offset_s, before.trigger, before.symptoms,
    )  # fmt: skip
    log("edit", "1", "--at", "2025-03-01 09:00")
    assert kept()[0].wall_s == wall("2025-03-01 09:00")


def test_an_entry_made_on_a_journey_keeps_its_clock_until_its_time_is_changed() -> None:
    at_s, abroad_s = wall("2025-03-02 14:05"), utc_offset_s(wall("2025-03-02 14:05")) + 7200
    Diary(paths.history_file()).add(Episode(at_s, abroad_s, 4))
    assert "2025-03-02 16:05" in log("edit", "1", "--pain", "3")
    assert "2025-03-02 14:10" in log("edit", "1", "--at", "2025-03-02 14:10")


def test_edit_takes_out_what_is_to_be_cleared_and_nothing_else() -> None:
    log("spasm", "--pain", "6", "--trigger", "lifting", "--symptom", "numbness", "--note", "a crate")
    log("edit", "1", "--clear", "trigger")
    assert (kept()[0].trigger, kept()[0].symptoms, kept()[0].note) == ("", ("numbness",), "a crate")
    assert SEEK_CARE not in log("edit", "1", "--clear", "symptom", "--clear", "note", "--trigger", "bending")
    assert (kept()[0].pain, kept()[0].trigger, kept()[0].symptoms, kept()[0].note) == (6, "bending", (), "")


@pytest.mark.parametrize(("what", "word"), [("trigger", "lifting"), ("symptom", "sharp"), ("note", "in bed")])
def test_setting_and_clearing_the_same_part_is_refused(what: str, word: str) -> None:
    log("spasm", "--pain", "6", "--trigger", "stress")
    assert f"--clear {what}" in refused("log", "edit", "1", f"--{what}", word, "--clear", what)
    assert kept()[0].trigger == "stress"


def test_list_gives_numbers_in_order_of_time() -> None:
    assert log("list") == "The diary is empty.\n"
    log("spasm", "--pain", "6", "--at", "2025-03-02 14:05")
    log("spasm", "--pain", "4", "--at", "2025-03-01 09:00")
    first, second = log("list").splitlines()
    assert first.startswith("2  Sat 2025-03-01 09:00  pain 4 of 10")
    assert second.startswith("1  Sun 2025-03-02 14:05  pain 6 of 10")


def test_a_note_of_several_lines_takes_one_in_the_list() -> None:
    log("spasm", "--pain", "4", "--note", "after\nlunch\x1b]0;x")
    (line,) = log("list").splitlines()
    assert line.endswith("after lunch ]0;x")
    assert kept()[0].note == "after\nlunch\x1b]0;x", "it is kept as it was typed"


def test_delete_asks_first() -> None:
    log("spasm", "--pain", "6")
    assert "Nothing was removed." in log("delete", "1", answers="n\n")
    assert len(kept()) == 1
    assert "Entry 1 is removed." in log("delete", "1", answers="y\n")
    assert kept() == []
    log("spasm", "--pain", "6")
    log("delete", str(kept()[0].id), "--yes")
    assert kept() == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["spasm", "--pain", "3", "--at", "25:00"], "no such time: '25:00'"),
        (["spasm", "--pain", "3", "--at", "2999-01-01 09:00"], "'2999-01-01 09:00' has not come yet"),
        (["edit", "7", "--pain", "3"], "the diary has no entry 7; `posture-monitor log list`"),
        (["delete", "7", "--yes"], "the diary has no entry 7; `posture-monitor log list`"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], line: str) -> None:
    assert refused("log", *arguments).startswith(line)
    assert kept() == []


@pytest.mark.parametrize("wrong", [["--pain", "11"], ["--pain", "x"], ["--pain", "3", "--trigger", "moon"]])
def test_misuse_keeps_nothing(wrong: list[str]) -> None:
    assert typed("log", "spasm", *wrong).exit_code == 2
    assert kept() == []
