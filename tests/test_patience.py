"""Work that may hang, done on a thread of its own and not waited for for ever."""

from __future__ import annotations

import threading

import pytest

from posture_monitor.sensing.patience import Errands, Hung, Left


def test_errands_are_done_on_one_thread_and_their_results_returned() -> None:
    errands = Errands("camera")
    assert errands.run(lambda: 7, 10.0) == 7
    threads = {errands.run(threading.get_ident, 10.0) for _ in range(3)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}
    errands.leave(lambda: None, 10.0)


def test_what_an_errand_raises_is_raised_and_the_next_is_done() -> None:
    errands = Errands("camera")
    with pytest.raises(ZeroDivisionError):
        errands.run(lambda: 1 / 0, 10.0)
    assert errands.run(lambda: 7, 10.0) == 7
    errands.leave(lambda: None, 10.0)


def test_one_that_hangs_is_given_up_and_no_other_is_taken() -> None:
    errands, free, done = Errands("camera"), threading.Event(), threading.Event()
    other = threading.Event()
    with pytest.raises(Hung):
        errands.run(free.wait, 0.01)
    with pytest.raises(Hung):
        errands.run(other.set, 1.0)
    errands.leave(done.set, 10.0)  # it does not wait for what hangs
    assert not done.is_set()
    free.set()
    assert done.wait(10.0), "the last errand is still done where the one before comes back"
    assert not other.is_set()


def test_the_last_errand_is_done_once_and_none_is_taken_after_it() -> None:
    errands, done = Errands("camera"), []
    errands.leave(lambda: done.append("closed"), 10.0)
    assert done == ["closed"]
    for _ in range(2):
        with pytest.raises(Left):
            errands.run(lambda: 7, 1.0)
    errands.leave(lambda: done.append("again"), 10.0)
    assert done == ["closed"]


def test_whoever_waits_is_told_when_it_is_left_meanwhile() -> None:
    errands, free, begun, told = Errands("camera"), threading.Event(), threading.Event(), []

    def errand() -> None:
        begun.set()
        free.wait(10.0)

    def wait() -> None:
        try:
            errands.run(errand, 10.0)
        except Left:
            told.append("left")

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert begun.wait(10.0)
    errands.leave(lambda: None, 0.0)
    waiting.join(10.0)
    free.set()
    assert told == ["left"]


def test_between_errands_there_is_a_pastime() -> None:
    errands, passed = Errands("camera"), threading.Event()
    errands.pastime = passed.set
    errands.run(lambda: None, 10.0)  # it is taken up after the next errand
    assert passed.wait(10.0)
    assert errands.run(lambda: 7, 10.0) == 7
    errands.leave(lambda: None, 10.0)
