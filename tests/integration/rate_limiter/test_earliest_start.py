"""No job starts later than possible: hypothesis searches for arrivals and limits where one does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.rate_limiter.virtual import Arrival, Setup, ideal, real

from .conftest import NewRedisState

SETUPS = st.builds(
    Setup, slots=st.integers(1, 8), max=st.integers(1, 6), duration=st.sampled_from([1, 10, 1_000])
)
RUNS = st.sampled_from([0, 1, 9, 10, 11, 400, 1_000, 2_500])


@st.composite
def arrivals(draw: st.DrawFn) -> list[Arrival]:
    """Bursts, trickles and pauses, in order of arrival."""
    gaps = draw(st.lists(st.sampled_from([0, 0, 0, 1, 10, 150, 1_000, 3_000]), min_size=1, max_size=40))
    at, found = 0, []
    for gap in gaps:
        at += gap
        found.append(Arrival(at, draw(RUNS)))
    return found


@given(jobs=arrivals(), setup=SETUPS)
def test_job_starts_as_soon_as_a_slot_and_a_token_are_free(
    new_redis_state: NewRedisState, jobs: list[Arrival], setup: Setup
) -> None:
    redis_state = new_redis_state()

    assert real(redis_state, jobs, setup) == ideal(jobs, setup)

    left = redis_state.read()
    assert not {"wait", "active", "reservations"} & left.keys()
    assert len(left["tokens"]) <= setup.max, "nothing grows without a bound"
