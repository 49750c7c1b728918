"""A record in a spool gives back what it was given, and shows whether it is whole."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kelly_cli.core.spooled import MARK, Record, pack, pack_all, read

AT = datetime(2026, 2, 3, 12, 0, 0, 123456, tzinfo=UTC)
moments = st.datetimes(
    min_value=datetime(2007, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)
)
records = st.builds(
    Record, st.text("0123456789abcdef", max_size=40), st.sampled_from(["confirmation", "stk"]),
    moments, st.binary(max_size=300) | st.just(MARK * 3),
)  # fmt: skip


def some(number):
    return [Record(f"id-{n}", "confirmation", AT, b"body %d" % n) for n in range(number)]


@given(st.lists(records, max_size=8))
def test_what_was_packed_is_read(given_records):
    data = pack_all(given_records)
    assert read(data, at_end=True, most=99) == (given_records, [], len(data))


@given(st.lists(records, min_size=1, max_size=5), st.integers(1, 400))
def test_a_torn_last_record_is_ignored(given_records, cut):
    *whole, last = given_records
    data = pack_all(whole) + pack(last)[: -min(cut, len(pack(last)))]
    assert read(data, at_end=True, most=99) == (whole, [], len(data))


@given(st.lists(records, min_size=2, max_size=5), st.data())
def test_a_damaged_record_costs_only_itself(given_records, data):
    place = data.draw(st.integers(0, len(given_records) - 2))
    parts = [pack(record) for record in given_records]
    spoiled = bytearray(parts[place])
    at = data.draw(st.integers(0, len(spoiled) - 1))
    spoiled[at] ^= data.draw(st.integers(1, 255))
    parts[place] = bytes(spoiled)
    found = read(b"".join(parts), at_end=True, most=99)
    others = [record for number, record in enumerate(given_records) if number != place]
    # A body may hold the bytes of a record; a whole one within a damaged one is no loss.
    assert [record for record in found.records if record in others] == others
    assert found.damaged
    assert found.used == sum(map(len, parts))


def test_zeros_at_the_end_are_the_rest_of_a_reserve():
    data = pack_all(some(2)) + bytes(5000)
    assert read(data, at_end=True, most=99) == (some(2), [], len(data))


def test_garbage_at_the_end_is_damage():
    data = pack_all(some(1)) + b"x" * 50
    assert read(data, at_end=True, most=99).damaged == [b"x" * 50]


def test_before_the_end_what_is_not_whole_waits_for_more():
    data = pack_all(some(2))
    first = len(pack(some(1)[0]))
    for more in (1, 10, 30):
        assert read(data[: first + more], at_end=False, most=99) == (some(1), [], first)
    assert read(data, at_end=True, most=1) == (some(1), [], first)
