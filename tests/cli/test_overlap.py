"""Stages of a run work side by side, and what they do is in order all the same."""

import threading
import time

import pytest

from jaxcrypt.cli.overlap import Outbox, Room, read_ahead

LONG = 30  # seconds after which a test that hangs fails


def test_items_come_in_order_and_are_drawn_ahead():
    drawn, third = [], threading.Event()

    def items():
        for number in range(5):
            drawn.append(number)
            if number == 3:
                third.set()
            yield number

    ahead = read_ahead(items(), Room(10))
    assert next(ahead) == 0
    assert third.wait(LONG), "nothing is drawn while an item is worked on"
    assert [*ahead] == [1, 2, 3, 4]
    assert drawn == [0, 1, 2, 3, 4]


def test_what_drawing_raises_comes_after_the_items_before_it():
    def items():
        yield 1
        raise BrokenPipeError

    ahead = read_ahead(items(), Room(10))
    assert next(ahead) == 1
    with pytest.raises(BrokenPipeError):
        next(ahead)


def test_room_holds_drawing_back_until_there_is_some():
    room, taken = Room(10), []

    def items():
        for size in (6, 6, 50):
            room.take(size)
            taken.append(size)
            yield size

    ahead = read_ahead(items(), room)
    assert next(ahead) == 6
    time.sleep(0.05)
    assert taken == [6]
    assert not room.fits(6)
    room.free(6)
    assert next(ahead) == 6
    room.free(6)  # what is larger than all room goes by itself
    assert next(ahead) == 50


def test_closing_lets_a_thread_go_that_waits_for_room():
    room, ended = Room(1), threading.Event()

    def items():
        try:
            for _ in range(3):
                room.take(1)
                yield None
        finally:
            ended.set()

    ahead = read_ahead(items(), room)
    next(ahead)
    ahead.close()
    assert ended.wait(LONG)


@pytest.mark.parametrize("threaded", [False, True])
def test_calls_are_made_in_order(threaded):
    made = []
    with Outbox(threaded) as outbox:
        for number in range(100):
            outbox.put(lambda number=number: made.append(number))
    assert made == [*range(100)]


def in_turn(threaded, *calls, then=lambda: None):
    with Outbox(threaded) as outbox:
        for call in calls:
            outbox.put(call)
        then()


def failing(kind):
    def fail():
        raise kind("of the run")

    return fail


@pytest.mark.parametrize("threaded", [False, True])
def test_what_a_call_raises_ends_the_run(threaded):
    made = []
    calls = [lambda: made.append(1), failing(BrokenPipeError), lambda: made.append(2)]
    with pytest.raises(BrokenPipeError):
        in_turn(threaded, *calls)
    assert made == [1]


def test_calls_before_an_error_are_made():
    made = []
    with pytest.raises(ValueError, match="of the run"):
        in_turn(True, lambda: made.append(1), then=failing(ValueError))
    assert made == [1]


def test_after_an_interrupt_no_call_is_made_but_the_one_under_way():
    made, begun, go_on = [], threading.Event(), threading.Event()

    def slow():
        begun.set()
        go_on.wait(LONG)
        made.append(1)

    def interrupt():
        begun.wait(LONG)
        threading.Timer(0.2, go_on.set).start()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_turn(True, slow, lambda: made.append(2), then=interrupt)
    assert made == [1]
