"""The state: the same at every frame rate, deaf to glances, quick enough for a change that stays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_monitor.posture.reading import Verdict
from posture_monitor.posture.steady import BUCKET_S, Policy, Steady, step

RATES = (0.5, 2.0, 15.0)

#: What is seen at a moment: slouch index where judged, else the verdict.
Script = Callable[[float], float | Verdict]


def reading(what: float | Verdict) -> tuple[Verdict, float]:
    if isinstance(what, Verdict):
        return what, math.nan
    return Verdict.POOR if what >= 1 else Verdict.MILD if what >= 0.5 else Verdict.GOOD, what


def watch(script: Script, end_s: float, fps: float, phase_s: float = 0.0) -> list[tuple[float, Steady]]:
    """Return the state after every reading of a script that is played at ``fps``."""
    policy, steady, out = Policy(interval_s=1 / fps), Steady(), []
    for i in itertools.count():
        t_s = phase_s + i / fps
        if t_s > end_s:
            return out
        steady = step(steady, policy, t_s, *reading(script(t_s)))
        out.append((t_s, steady))


def changes(watched: list[tuple[float, Steady]]) -> list[tuple[Verdict, float]]:
    """Return each state with the moment at which it began.

    Left out are the unknown before the first bucket, and what lasted for one bucket only: a bucket
    into which a change falls has a mean between the two.
    """
    out: list[tuple[Verdict, float]] = []
    for state, run in itertools.groupby(watched, key=lambda at: at[1].state):
        times = [t_s for t_s, _ in run]
        brief = times[-1] - times[0] < BUCKET_S and times[-1] != watched[-1][0]
        if not brief and (not out or out[-1][0] is not state):
            out.append((state, times[0]))
    return out


def after_start(watched: list[tuple[float, Steady]]) -> set[Verdict]:
    """Return every state after the first five seconds, however brief."""
    return {steady.state for t_s, steady in watched if t_s >= 5}


def day(t_s: float) -> float | Verdict:
    for until_s, what in (
        (30, 0.1),
        (60, 1.6),
        (90, 0.2),
        (120, 0.75),
        (150, Verdict.AWAY),
        (180, 0.1),
        (210, Verdict.UNKNOWN),
        (240, 1.3),
    ):
        if t_s < until_s:
            return what
    return 0.0


# -- frame rate ----------------------------------------------------------------


@settings(max_examples=6)
@given(st.floats(0, 2))
def test_every_rate_tells_the_same_story(phase_s: float) -> None:
    told = {fps: changes(watch(day, 270, fps, phase_s)) for fps in RATES}
    states = [state for state, _ in told[15.0]]
    assert states == [
        *(Verdict.GOOD, Verdict.POOR, Verdict.GOOD, Verdict.MILD, Verdict.AWAY),
        *(Verdict.GOOD, Verdict.UNKNOWN, Verdict.POOR, Verdict.GOOD),
    ]
    for fps in RATES:
        assert [state for state, _ in told[fps]] == states, fps
        for (_, at_s), (_, finest_s) in zip(told[fps][1:], told[15.0][1:], strict=True):
            # A change is met by the reading after it, and judged to last at another; and of fifteen
            # readings a second the eighth fills a bucket, later than half a second.
            assert abs(at_s - finest_s) <= max(1 / fps + BUCKET_S + 1 / 30, 2 / fps) + 1e-9, fps


@settings(max_examples=15)
@given(st.floats(0, 2), st.sampled_from(RATES), st.sampled_from([0.8, 1.0, 1.5, 4.0]))
def test_a_step_is_seen_within_ten_seconds(phase_s: float, fps: float, to: float) -> None:
    for before, after in ((0.1, to), (to, 0.1)):
        watched = watch(lambda t_s: before if t_s < 60 else after, 90, fps, phase_s)  # noqa: B023
        state, at_s = changes(watched)[-1]
        assert state is reading(after)[0]
        assert 60 <= at_s <= 70


@settings(max_examples=25)
@given(
    st.floats(0, 2),
    st.sampled_from(RATES),
    # Half of the window, less what buckets at its two ends that are met in part may add.
    st.floats(0.1, 3.7),
    st.sampled_from([3.0, 50.0, Verdict.UNKNOWN, Verdict.AWAY]),
)
def test_a_glance_under_four_seconds_changes_nothing(
    phase_s: float, fps: float, length_s: float, what: float | Verdict
) -> None:
    watched = watch(lambda t_s: what if 60 <= t_s < 60 + length_s else 0.1, 120, fps, phase_s)
    assert after_start(watched) == {Verdict.GOOD}


def test_a_glance_up_does_not_end_a_slouch_either() -> None:
    for fps in RATES:
        watched = watch(lambda t_s: 0.0 if 60 <= t_s < 63.9 else 1.5, 120, fps)
        assert after_start(watched) == {Verdict.POOR}


def test_one_frame_moves_nothing_however_wild() -> None:
    for fps in RATES:
        alone = watch(lambda t_s: 1e9 if abs(t_s - 60) < 1e-6 else 0.1, 120, fps)
        assert after_start(alone) == {Verdict.GOOD}
        assert all(s.index == pytest.approx(0.1) for t, s in alone if t > 70)


def test_noise_about_neutral_stays_good_and_noise_about_a_slouch_poor() -> None:
    for fps in RATES:
        rng = np.random.default_rng(1)
        for centre, state in ((0.15, Verdict.GOOD), (1.5, Verdict.POOR)):
            watched = watch(lambda _: float(rng.normal(centre, 0.25)), 300, fps)  # noqa: B023
            assert after_start(watched) == {state}


# -- distances that change -----------------------------------------------------


def watch_adaptively(script: Script, end_s: float, phase_s: float) -> list[tuple[float, Steady]]:
    """Look every six seconds, and every second from the first reading that contradicts the state."""
    steady, t_s, wait_s, out = Steady(), phase_s, 1.0, []
    while t_s <= end_s:
        verdict, index = reading(script(t_s))
        steady = step(steady, Policy(interval_s=wait_s), t_s, verdict, index)
        out.append((t_s, steady))
        wait_s = 6.0 if verdict is steady.state and t_s > 20 else 1.0
        t_s += wait_s
    return out


@settings(max_examples=40)
@given(st.floats(0, 6), st.sampled_from([0.8, 1.5, 50.0, Verdict.AWAY, Verdict.UNKNOWN]))
def test_seldom_looks_see_a_step_six_seconds_later_at_most(phase_s: float, to: float | Verdict) -> None:
    state, at_s = changes(watch_adaptively(lambda t_s: 0.1 if t_s < 60 else to, 100, phase_s))[-1]
    assert state is reading(to)[0]
    assert 60 + 4 <= at_s <= 60 + 4.5 + 6 + 1


@settings(max_examples=40)
@given(st.floats(0, 6), st.floats(0.1, 3.95), st.sampled_from([3.0, 50.0, Verdict.UNKNOWN, Verdict.AWAY]))
def test_seldom_looks_make_no_more_of_a_glance(
    phase_s: float, length_s: float, what: float | Verdict
) -> None:
    watched = watch_adaptively(lambda t_s: what if 60 <= t_s < 60 + length_s else 0.1, 120, phase_s)
    assert after_start(watched) <= {Verdict.GOOD}


# -- hysteresis ----------------------------------------------------------------


def held(*levels: float, fps: float = 2.0, each_s: float = 30.0) -> list[Verdict]:
    """Return the state at the end of each level."""
    watched = watch(lambda t_s: levels[min(int(t_s / each_s), len(levels) - 1)], each_s * len(levels), fps)
    return [[s.state for t_s, s in watched if t_s < each_s * (i + 1)][-1] for i in range(len(levels))]


def test_a_state_is_left_for_a_better_one_only_clearly() -> None:
    assert held(1.05, 0.95, 0.92) == [Verdict.POOR] * 3
    assert held(1.05, 0.95, 0.8, 0.95) == [Verdict.POOR, Verdict.POOR, Verdict.MILD, Verdict.MILD]
    assert held(0.6, 0.45, 0.42, 0.3, 0.45) == [*[Verdict.MILD] * 3, Verdict.GOOD, Verdict.GOOD]
    assert held(0.45, 0.55) == [Verdict.GOOD, Verdict.MILD]


def test_a_worse_state_needs_no_more_than_its_limit() -> None:
    assert held(0.1, 0.5, 1.0) == [Verdict.GOOD, Verdict.MILD, Verdict.POOR]
    assert held(0.1, 0.49, 0.99) == [Verdict.GOOD, Verdict.GOOD, Verdict.MILD]


@pytest.mark.parametrize(
    ("state", "what", "worse", "tends"),
    [
        (Verdict.GOOD, 0.49, 0.0, Verdict.GOOD),
        (Verdict.GOOD, 0.49, 0.02, Verdict.MILD),
        (Verdict.MILD, 0.40, 0.0, Verdict.MILD),
        (Verdict.MILD, 0.37, 0.0, Verdict.GOOD),
        (Verdict.POOR, 0.89, 0.0, Verdict.POOR),
        (Verdict.POOR, 0.87, 0.0, Verdict.MILD),
        (Verdict.GOOD, Verdict.AWAY, 0.0, Verdict.AWAY),
        (Verdict.GOOD, Verdict.UNKNOWN, 0.5, Verdict.UNKNOWN),
        (Verdict.GOOD, Verdict.POOR, 0.0, Verdict.UNKNOWN),
    ],
)
def test_what_the_latest_reading_tends_to_is_told_with_the_state_in_mind(
    state: Verdict, what: float | Verdict, worse: float, tends: Verdict
) -> None:
    assert Steady(state=state, latest=(*reading(what), "", "")).tends(worse) is tends


def test_an_index_that_wavers_at_a_limit_does_not_flicker() -> None:
    wavering = watch(lambda t_s: 1.0 + 0.08 * math.sin(t_s / 7), 600, 2.0)
    assert len(changes(wavering)) <= 2


# -- gaps and clocks -----------------------------------------------------------


def fed(steady: Steady, policy: Policy, times_s: list[float], what: float | Verdict) -> Steady:
    for t_s in times_s:
        steady = step(steady, policy, t_s, *reading(what))
    return steady


def every(start_s: float, end_s: float, policy: Policy) -> list[float]:
    return [float(t) for t in np.arange(start_s, end_s, policy.interval_s)]


@pytest.mark.parametrize("fps", RATES)
def test_a_suspended_machine_says_nothing_about_the_time_it_slept(fps: float) -> None:
    policy = Policy(interval_s=1 / fps)
    before = fed(Steady(), policy, every(0, 60, policy), 1.5)
    assert before.state is Verdict.POOR
    woken_s = 60 + 8 * 3600.0
    after = step(before, policy, woken_s, *reading(1.5))
    spoken_s = sum(b.seconds for b in after.buckets if b.until_s >= woken_s) + after.open_s
    assert spoken_s <= 2 * policy.interval_s + BUCKET_S
    # Ten seconds of something else decide as they would have without the gap.
    later = fed(after, policy, every(woken_s + policy.interval_s, woken_s + 10, policy), 0.1)
    assert later.state is Verdict.GOOD
    assert sum(b.seconds for b in later.buckets) <= policy.window_s + 2 * policy.interval_s + BUCKET_S


def test_a_dropped_stretch_of_frames_counts_for_one_reading_only() -> None:
    policy = Policy(interval_s=0.5)
    good = fed(Steady(), policy, every(0, 60, policy), 0.1)
    # Five seconds without a frame, then one poor one: it speaks for a second at most.
    assert step(good, policy, 65.0, *reading(3.0)).state is Verdict.GOOD


def test_a_clock_that_steps_back_starts_afresh() -> None:
    policy = Policy(interval_s=0.5)
    poor = fed(Steady(), policy, every(1000, 1060, policy), 1.5)
    assert poor.state is Verdict.POOR
    fresh = fed(poor, policy, every(10, 12, policy), 0.1)
    assert fresh.state is Verdict.GOOD
    assert fresh.since_s <= 12
    assert all(10 <= b.until_s <= 12 for b in fresh.buckets)


def test_the_same_moment_twice_adds_no_time() -> None:
    policy = Policy(interval_s=0.5)
    good = fed(Steady(), policy, every(0, 30, policy), 0.1)
    stuck = fed(good, policy, [good.t_s] * 1000, 3.0)
    assert stuck.state is Verdict.GOOD
    assert stuck.open_s == good.open_s


# -- majorities ----------------------------------------------------------------


def mixed(share: float, other: Verdict) -> Steady:
    """Return the state after a minute in which ``share`` of the readings were ``other``, evenly spread."""
    policy, steady, owed = Policy(interval_s=0.5), Steady(), 0.0
    for t_s in every(0, 60, policy):
        owed += share
        what: float | Verdict = 0.1
        if owed >= 1:
            owed, what = owed - 1, other
        steady = step(steady, policy, t_s, *reading(what), "too dark" if what is Verdict.UNKNOWN else "")
    return steady


def test_the_majority_decides_between_judged_unknown_and_away() -> None:
    for other in (Verdict.UNKNOWN, Verdict.AWAY):
        assert mixed(0.3, other).state is Verdict.GOOD
        assert mixed(0.75, other).state is other
    assert mixed(0.75, Verdict.UNKNOWN).reason == "too dark"
    assert mixed(0.3, Verdict.UNKNOWN).reason == ""
    assert math.isnan(mixed(0.75, Verdict.AWAY).index)


def test_half_away_and_half_unknown_is_neither_good_nor_poor() -> None:
    watched = watch(lambda t_s: Verdict.AWAY if int(t_s) % 2 else Verdict.UNKNOWN, 60, 2.0)
    assert {steady.state for _, steady in watched} <= {Verdict.AWAY, Verdict.UNKNOWN}


def test_a_verdict_without_a_finite_index_is_not_judged() -> None:
    policy, steady = Policy(interval_s=0.5), Steady()
    for t_s in every(0, 30, policy):
        steady = step(steady, policy, t_s, Verdict.GOOD, math.nan)
    assert steady.state is Verdict.UNKNOWN


def test_before_anything_was_read_it_is_unknown() -> None:
    assert Steady().state is Verdict.UNKNOWN
    assert math.isnan(Steady().since_s)


def test_the_driver_is_the_commonest_and_only_of_a_state_that_is_not_good() -> None:
    policy, steady = Policy(interval_s=0.5), Steady()
    for i, t_s in enumerate(every(0, 20, policy)):
        steady = step(steady, policy, t_s, Verdict.POOR, 1.5, "", "fsr" if i % 4 == 0 else "head_height")
    assert steady.driver == "head_height"
    assert steady.since_s < 5
    for t_s in every(20, 40, policy):
        steady = step(steady, policy, t_s, Verdict.GOOD, 0.1, "", "fsr")
    assert (steady.state, steady.driver) == (Verdict.GOOD, "")
    assert 20 <= steady.since_s < 30


def test_a_state_found_again_after_a_night_has_lasted_since_then() -> None:
    state = Steady()
    for t_s in np.arange(0.0, 60.0, 0.5):
        state = step(state, Policy(), float(t_s), Verdict.POOR, 1.5)
    assert state.since_s < 10
    woken = step(state, Policy(), 30_000.0, Verdict.POOR, 1.5)
    assert woken.state is Verdict.POOR
    assert woken.since_s == 30_000.0


def test_what_drives_is_what_drove_for_longest_and_the_first_of_equals() -> None:
    def driven(drivers: list[str]) -> str:
        state = Steady()
        for k, driver in enumerate(drivers):
            state = step(state, Policy(), k / 2, Verdict.POOR, 1.5, driver=driver)
        return state.driver

    assert driven(["fsr"] * 8 + ["head_roll"] * 8) == "fsr"
    assert driven(["head_roll"] * 8 + ["fsr"] * 8) == "head_roll"
    assert driven(["fsr"] * 6 + ["head_roll"] * 10) == "head_roll"
