"""A whole recording is smoothed as it would have been reading by reading."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_monitor.posture import steady
from posture_monitor.posture.reading import VERDICTS, Verdict
from posture_monitor.posture.steady_bulk import states

Verdicts = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


def stepped(policy: steady.Policy, t_s: Floats, verdict: Verdicts, index: Floats) -> list[int]:
    state, codes = steady.Steady(), []
    for at, code, level in zip(t_s.tolist(), verdict.tolist(), index.tolist(), strict=True):
        state = steady.step(state, policy, at, VERDICTS[code], level)
        codes.append(VERDICTS.index(state.state))
    return codes


def wandering(n: int, seed: int) -> tuple[Verdicts, Floats]:
    """Return verdicts and indices that drift, with stretches that cannot be judged or are away."""
    rng = np.random.default_rng(seed)
    index = np.abs(np.cumsum(rng.normal(0, 0.05, n))) % 1.6
    verdict = ((index >= 0.5).astype(np.int8) + (index >= 1.0)).astype(np.int8)
    kind = np.repeat(rng.integers(0, 8, n // 20 + 1), 20)[:n]
    verdict[kind == 6], verdict[kind == 7] = 3, 4
    index[kind == 6] = np.nan
    return verdict, index


def times(n: int, seed: int) -> list[Floats]:
    rng = np.random.default_rng(seed)
    gaps = np.where(rng.random(n) < 0.02, rng.uniform(0.5, 40, n), 1 / 15)
    return [
        np.arange(n) / 15,
        np.arange(n) / 2,
        np.arange(n) * 3.0,
        np.cumsum(rng.exponential(0.3, n)),
        np.cumsum(gaps),
    ]


@pytest.mark.parametrize("window_s", [9.0, 2.5, 60.0])
@pytest.mark.parametrize("seed", range(2))
def test_states_are_those_of_stepping_through(seed: int, window_s: float) -> None:
    n = 1500
    verdict, index = wandering(n, seed)
    for t_s in times(n, seed):
        policy = steady.Policy(window_s, max(float(np.median(np.diff(t_s))), 1e-3))
        expected = stepped(policy, t_s, verdict, index)
        assert states(policy, t_s, verdict, index).tolist() == expected
        assert len(set(expected)) >= 2


def test_a_recording_longer_than_a_block() -> None:
    n = 40_000
    verdict, index = wandering(n, 5)
    t_s, policy = np.arange(n) / 5, steady.Policy(9.0, 0.2)
    expected = stepped(policy, t_s, verdict, index)
    assert states(policy, t_s, verdict, index).tolist() == expected
    assert len(set(expected)) == len(VERDICTS)


#: Seconds that meet the length of a bucket and half of a window exactly, and such that nearly do.
gaps = st.sampled_from([1 / 15, 0.1, 0.2, 0.25, 0.5, 0.75, 1.0, 3.0, 4.5, 9.0, 50.0]) | st.floats(1e-3, 30.0)
kinds = st.sampled_from(
    [(0, 0.1), (1, 0.7), (2, 1.1), (2, 1.0), (1, 0.5), (0, 0.4), (3, np.nan), (4, np.nan)]
)


@settings(deadline=None)
@given(st.lists(st.tuples(gaps, kinds), min_size=1, max_size=60), st.sampled_from([1 / 15, 0.5, 3.0]))
def test_readings_at_any_distance(readings: list[tuple[float, tuple[int, float]]], interval_s: float) -> None:
    t_s = np.cumsum([gap for gap, _ in readings])
    verdict = np.array([code for _, (code, _) in readings], dtype=np.int8)
    index = np.array([level for _, (_, level) in readings])
    policy = steady.Policy(9.0, interval_s)
    assert states(policy, t_s, verdict, index).tolist() == stepped(policy, t_s, verdict, index)


def test_before_the_first_bucket_nothing_is_known() -> None:
    policy = steady.Policy(9.0, 0.1)
    found = states(policy, np.arange(8) / 10, np.zeros(8, np.int8), np.full(8, 0.1))
    unknown, good = VERDICTS.index(Verdict.UNKNOWN), VERDICTS.index(Verdict.GOOD)
    assert found.tolist() == [unknown] * 4 + [good] * 4
    assert states(policy, np.arange(2) / 10, np.zeros(2, np.int8), np.zeros(2)).tolist() == [unknown] * 2
