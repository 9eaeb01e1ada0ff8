"""What is chosen: never less careful with more threat, never worse with more bandwidth, seldom anew."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from jaxcrypt.declared import DAMAGES
from jaxcrypt.errors import Refusal
from jaxcrypt.network import policy
from jaxcrypt.network.belief import BAND, DWELL, Belief
from jaxcrypt.network.floor import floor
from jaxcrypt.network.policy import Device, Needs, Network, Photo
from jaxcrypt.network.threat import HALF_LIFE, Event, Level, Threat, Watch
from jaxcrypt.systems import catalog

needs = some.builds(
    Needs,
    exact=some.booleans(),
    pixels_only=some.booleans(),
    survives=some.frozensets(some.sampled_from(DAMAGES), max_size=2),
    region=some.booleans(),
    experimental=some.booleans(),
)
levels = some.sampled_from(Level)
rates = some.floats(1e3, 1e9)
networks = some.builds(Network, rates, some.floats(0, 2), some.floats(0, 0.9))
photos = some.builds(
    Photo,
    some.integers(8, 5000),
    some.integers(8, 5000),
    some.sampled_from([1, 3, 4]),
    some.integers(1, 10**7),
)
devices = some.builds(Device, some.floats(0.1, 50))


def _choose(asked, *how):
    try:
        return policy.choose(asked, *how)
    except Refusal:
        return None


def _place(plan, asked, photo):
    """How far down the list of ways a plan stands."""
    ways = policy.admissible(asked, plan.floor, photo)
    return [(way.entry.name, way.options, not way.file) for way in ways].index(
        (plan.system, plan.options, plan.pixels_only)
    )


@settings(max_examples=80, deadline=None)
@given(needs, levels, levels, networks, networks, photos, devices)
def test_more_threat_is_never_less_careful_whatever_the_network(asked, one, other, near, far, photo, device):
    calm, tense = sorted((one, other))
    less, more = _choose(asked, calm, near, photo, device), _choose(asked, tense, far, photo, device)
    if more is None:
        return
    assert less is not None  # what is good enough under threat is so without
    for name in ("standard", "suite", "memory_kib", "iterations", "hide_size"):
        assert getattr(more.floor, name) >= getattr(less.floor, name)
    assert more.floor.rotate <= less.floor.rotate
    if more.floor.standard:
        assert catalog.entry(more.system).traits.standard
    for option in catalog.entry(more.system).options:
        if more.system == less.system and option.guards:
            assert dict(more.options).get(option.name, option.default) >= dict(less.options).get(
                option.name, option.default
            )


@settings(max_examples=80, deadline=None)
@given(needs, levels, rates, rates, networks, photos, devices)
def test_more_bandwidth_is_never_worse_and_never_touches_the_floor(
    asked, level, one, other, network, photo, device
):
    slow, fast = (dataclasses.replace(network, throughput=rate) for rate in sorted((one, other)))
    less, more = _choose(asked, level, slow, photo, device), _choose(asked, level, fast, photo, device)
    assert (less is None) == (more is None)
    if less is None:
        return
    assert more.floor == less.floor
    assert _place(more, asked, photo) <= _place(less, asked, photo)
    assert more.bytes >= less.bytes
    assert more.seconds is not None


@settings(max_examples=80, deadline=None)
@given(needs, levels, networks, photos)
def test_a_plan_gives_what_was_asked_for(asked, level, network, photo):
    plan = _choose(asked, level, network, photo)
    if plan is None:
        return
    entry = catalog.entry(plan.system)
    outlived = [option.outlives.get(value) for option in entry.travel for value in option.carries]
    assert asked.survives <= entry.traits.survives or any(asked.survives <= one for one in outlived)
    assert not (asked.pixels_only and not plan.pixels_only)
    assert plan.pixels_only <= (asked.pixels_only or not asked.exact)
    assert not asked.region or any(one.kind == "mask" for one in entry.inputs)
    known = {option.name: option for option in (*entry.options, *entry.travel)}
    for name, value in plan.options:
        known[name].check(value)
    assert len(plan.reasons) >= 3


def test_a_slow_network_gets_fewer_bytes_only_where_a_close_picture_will_do():
    slow, fast = Network(125e3, 0.05), Network(125e6, 0.05)
    assert policy.choose(Needs(), network=slow) == dataclasses.replace(
        policy.choose(Needs(), network=fast), seconds=policy.choose(Needs(), network=slow).seconds
    )
    close = Needs(exact=False, experimental=True)
    small, large = policy.choose(close, network=slow), policy.choose(close, network=fast)
    assert small.bytes < large.bytes / 3
    assert small.pixels_only
    assert not large.pixels_only
    # without leave, a slow network gets no System without a proof
    assert catalog.entry(policy.choose(Needs(exact=False), network=slow).system).traits.standard


def test_what_only_experimental_systems_do_is_refused_by_name_of_the_flag_and_under_alarm():
    robust = Needs(exact=False, survives=frozenset({"noise"}))
    with pytest.raises(Refusal, match="--experimental"):
        policy.choose(robust)
    leave = dataclasses.replace(robust, experimental=True)
    assert not catalog.entry(policy.choose(leave).system).traits.standard
    with pytest.raises(Refusal, match="at threat alarmed"):
        policy.choose(leave, Level.ALARMED)


@pytest.mark.parametrize("level", Level)
def test_what_is_to_survive_jpeg_goes_into_the_pixels_of_a_standard_system(level):
    plan = policy.choose(Needs(survives=frozenset({"jpeg"})), level)
    entry = catalog.entry(plan.system)
    assert entry.traits.standard
    assert not plan.pixels_only
    carried = {option.name for option in entry.travel if option.carries}
    assert carried & {name for name, _ in plan.options}


def test_what_is_called_standard_rests_on_a_standard_cipher():
    for entry in map(catalog.entry, catalog.NAMES):
        assert entry.traits.standard == ("ChaCha20" in entry.traits.argument), entry.name


def test_floors_only_rise():
    for lower, higher in zip(list(Level), list(Level)[1:], strict=False):
        below, above = floor(lower, True), floor(higher, True)
        assert above.memory_kib * above.iterations >= below.memory_kib * below.iterations
        assert above.rotate < below.rotate


# ---------------------------------------------------------------------------------- hysteresis


def _changes(trace, seconds=1.0, start=0.0):
    belief, changes = Belief(), []
    for step, rate in enumerate(trace):
        now = start + step * seconds
        after = belief.updated(Network(float(rate), 0.02), now)
        if after.believed != belief.believed:
            changes.append(now)
        belief = after
    return changes, belief


def test_a_steady_network_is_believed_once():
    rng = np.random.default_rng(0)
    changes, _ = _changes(1e6 * rng.uniform(0.85, 1.15, 600))
    assert len(changes) == 1


def test_a_falling_network_is_followed_step_by_step():
    trace = np.geomspace(1e7, 1e5, 600)
    changes, belief = _changes(trace)
    assert 5 <= len(changes) <= 1 + np.log(100) / np.log(BAND) + 1
    assert 1 / BAND < belief.believed.throughput / trace[-1] < BAND * 1.2


@pytest.mark.parametrize("period", [1, 2, 5, 11, 30])
def test_an_oscillating_network_changes_the_belief_no_more_often_than_it_may(period):
    trace = [1e5 if step // period % 2 else 1e7 for step in range(600)]
    changes, _ = _changes(trace)
    assert len(changes) <= 1 + 600 / DWELL
    assert all(later - sooner >= DWELL for sooner, later in itertools.pairwise(changes))


@settings(max_examples=50, deadline=None)
@given(some.lists(rates, min_size=1, max_size=80), some.floats(0.1, 5))
def test_no_trace_changes_plans_more_often_than_once_in_the_dwell(trace, seconds):
    close, photo = Needs(exact=False, experimental=True), Photo()
    belief, plans = Belief(), []
    for step, rate in enumerate(trace):
        belief = belief.updated(Network(rate, 0.02), step * seconds)
        plans.append(policy.choose(close, network=belief.believed, photo=photo).words())
    switches = sum(one != other for one, other in itertools.pairwise(plans))
    assert switches <= 1 + len(trace) * seconds / DWELL


# --------------------------------------------------------------------------------------- threat


@settings(max_examples=60, deadline=None)
@given(some.lists(some.tuples(some.sampled_from(Event), some.floats(0, 100)), max_size=20), levels)
def test_threat_rises_decays_and_stays_above_the_floor(events, least):
    threat, now = Threat(), 0.0
    for event, pause in events:
        now += pause
        before = threat.now(now)
        threat = threat.seen(event, now)
        assert threat.now(now) >= min(before + event.weight, 24.0) - 1e-9
        assert threat.level(now, least) >= least
    scores = [threat.now(now + later) for later in (0, 60, HALF_LIFE, 10 * HALF_LIFE)]
    assert scores == sorted(scores, reverse=True)
    assert threat.level(now + 10 * HALF_LIFE, least) == least


def test_strangers_raise_the_threat_for_themselves_and_keys_for_everybody():
    watch = Watch()
    for _ in range(50):
        watch = watch.seen(Event.FAILED, "192.0.2.7", 0.0, authenticated=False)
    assert watch.level("192.0.2.7", 0.0) == Level.ATTACKED
    assert watch.level("192.0.2.8", 0.0) == Level.CALM
    watch = watch.seen(Event.STRIPPED, "alice", 0.0, authenticated=True)
    assert watch.level("192.0.2.8", 0.0) == Level.ALARMED


def test_one_stripped_offer_alarms():
    assert Threat().seen(Event.STRIPPED, 0.0).level(0.0) == Level.ALARMED


def test_a_flood_of_peers_is_not_remembered_without_end():
    watch = Watch()
    for peer in range(5000):
        watch = watch.seen(Event.FAILED, str(peer), float(peer), authenticated=False)
    assert len(watch.peers) <= 4096
    assert "4999" in watch.peers
