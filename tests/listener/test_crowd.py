"""The crowd: who goes when there are too many connections."""

from kelly_cli.listener.crowd import Crowd


class Guest:
    def __init__(self):
        self.is_gone = False

    def leave(self):
        self.is_gone = True


def crowd(most=3, most_of_a_stranger=2):
    return Crowd(
        lambda peer: peer if peer.startswith("stranger") else None,
        most=most,
        most_of_a_stranger=most_of_a_stranger,
    )


def enter(there, number=1, peer="known"):
    guests = [Guest() for _ in range(number)]
    places = [there.enter(guest, peer) for guest in guests]
    return list(zip(guests, places, strict=True))


def test_a_stranger_has_his_number_and_a_known_one_has_none():
    there = crowd(most=100)
    gone = [guest.is_gone for guest, _ in enter(there, 4, "stranger 1")]
    assert gone == [False, False, True, True]
    assert not any(guest.is_gone for guest, _ in enter(there, 50))
    assert not any(guest.is_gone for guest, _ in enter(there, 2, "stranger 2"))
    assert there.turned_away == 2


def test_who_leaves_makes_room():
    there = crowd()
    for _ in range(5):
        for guest, place in enter(there, 2, "stranger"):
            assert not guest.is_gone
            there.left(guest, place)
    assert (there.size, there._places) == (0, {})


def test_when_it_is_full_whoever_sends_for_the_longest_goes_then_who_rests():
    there = crowd()
    (first, _), (second, _), (third, _) = enter(there, 3)
    there.is_sending(second)
    there.is_sending(first)
    there.has_sent(third)
    there.rests(third)
    order = []
    for _ in range(3):
        enter(there)
        order.append([guest.is_gone for guest in (first, second, third)])
        there.size -= 1
    assert order == [[False, True, False], [True, True, False], [True, True, True]]


def test_who_waits_for_an_answer_never_goes():
    there = crowd()
    waiting = enter(there, 3)
    for guest, _ in waiting:
        there.is_sending(guest)
        there.has_sent(guest)
    ((new, _),) = enter(there)
    assert new.is_gone
    assert not any(guest.is_gone for guest, _ in waiting)
