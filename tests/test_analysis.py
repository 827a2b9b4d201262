"""A whole recording is smoothed as it would have been frame by frame."""

from __future__ import annotations

import numpy as np
import test_steady_bulk

from posture_monitor.posture import steady
from posture_monitor.posture.judge import SIGNALS, Judgement
from posture_monitor.posture.metrics import METRICS
from posture_monitor.posture.steady_bulk import states
from posture_monitor.service.analysis import _states


def wandering(n: int, seed: int) -> Judgement:
    verdict, index = test_steady_bulk.wandering(n, seed)
    rows, nothing = np.zeros((len(SIGNALS), n)), np.zeros(n, dtype=np.int8)
    return Judgement(verdict, nothing, index, nothing, rows, rows, np.zeros((len(METRICS), n)))


def test_states_are_those_of_a_steady_judge() -> None:
    judgement, t_s = wandering(900, 1), np.arange(900) / 2
    found = _states(judgement, t_s, 9.0, stills=False)
    expected = states(steady.Policy(9.0, 0.5), t_s, judgement.verdict, judgement.slouch_index)
    assert found.tolist() == expected.tolist()
    assert len(set(found.tolist())) >= 3


def test_stills_keep_their_own_verdicts() -> None:
    judgement = wandering(50, 9)
    found = _states(judgement, np.full(50, np.nan), 9.0, stills=True)
    np.testing.assert_array_equal(found, judgement.verdict)
