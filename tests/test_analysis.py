"""A whole recording is smoothed as it would have been frame by frame."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from posture_monitor.posture import steady
from posture_monitor.posture.judge import SIGNALS, Judgement
from posture_monitor.posture.metrics import METRICS
from posture_monitor.posture.reading import VERDICTS
from posture_monitor.service.analysis import _states


def wandering(n: int, seed: int) -> Judgement:
    """Return verdicts and indices that drift, with stretches that cannot be judged or are away."""
    rng = np.random.default_rng(seed)
    index = np.abs(np.cumsum(rng.normal(0, 0.05, n))) % 1.6
    verdict = (index >= 0.5).astype(np.int8) + (index >= 1.0)
    kind = np.repeat(rng.integers(0, 8, n // 20 + 1), 20)[:n]
    verdict[kind == 6], verdict[kind == 7] = 3, 4
    index[kind == 6] = np.nan
    rows, nothing = np.zeros((len(SIGNALS), n)), np.zeros(n, dtype=np.int8)
    return Judgement(
        verdict.astype(np.int8), nothing, index, nothing, rows, rows, np.zeros((len(METRICS), n))
    )


def times(n: int, seed: int) -> list[npt.NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    gaps = np.where(rng.random(n) < 0.02, rng.uniform(0.5, 40, n), 1 / 15)
    return [
        np.arange(n) / 15,
        np.arange(n) / 2,
        np.arange(n) * 3.0,
        np.cumsum(rng.exponential(0.3, n)),
        np.cumsum(gaps),
    ]


@pytest.mark.parametrize("seed", range(2))
def test_states_are_those_of_stepping_through(seed: int) -> None:
    n = 900
    judgement = wandering(n, seed)
    for t_s in times(n, seed):
        policy = steady.Policy(9.0, max(float(np.median(np.diff(t_s))), 1e-3))
        state, expected = steady.Steady(), []
        for at, code, index in zip(t_s, judgement.verdict, judgement.slouch_index, strict=True):
            state = steady.step(state, policy, float(at), VERDICTS[code], float(index))
            expected.append(VERDICTS.index(state.state))
        found = _states(judgement, t_s, 9.0, stills=False)
        assert np.concatenate(list(found)).tolist() == expected
        assert len(set(expected)) >= 3


def test_stills_keep_their_own_verdicts() -> None:
    judgement = wandering(50, 9)
    (found,) = _states(judgement, np.full(50, np.nan), 9.0, stills=True)
    np.testing.assert_array_equal(found, judgement.verdict)
