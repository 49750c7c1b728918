"""Everything that kelly can do, in any order, against a small model of the books.

The long form, on both databases: ``python tests/services/model/soak.py``.
"""

import os
import random
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from kelly_cli.core import hand_work, posting
from kelly_cli.services import rebuilding

PARTS = 8
SEQUENCES, STEPS = int(os.environ.get("KELLY_TEST_SEQUENCES", "200")), 30
SETTINGS = settings(
    max_examples=SEQUENCES // PARTS,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def sequences(kit, trial_books):
    """The state machine: one rule, so that a failing sequence shrinks to the few acts it needs."""
    acts = [act for act, weight in kit.machine.ACTS.items() for _ in range(weight)]

    class Sequences(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.stack = ExitStack()
            self.stack.enter_context(trial_books.trial())
            self.running = kit.machine.Machine(trial_books, kit.model)

        @initialize(number=st.integers(0, 2**16))
        def begin(self, number):
            for act in ("customer", "customer", "invoice", "callback", "sale"):
                self.running.step(act, number)

        @rule(act=st.sampled_from(acts), number=st.integers(0, 2**16))
        def act(self, act, number):
            self.running.step(act, number)
            self.running.check()

        def teardown(self):
            self.stack.close()

    return Sequences


@pytest.mark.parametrize("part", range(PARTS))
def test_kelly_and_the_model_agree_after_every_step(sequences, part):
    seed(part)(sequences)
    run_state_machine_as_test(sequences, settings=SETTINGS)


def run(kit, books, number, steps, *, rebuild=False):
    chance = random.Random(number)
    with books.trial():
        running = kit.machine.Machine(books, kit.model)
        for _ in range(2):
            running.step("customer", chance.random())
            running.step("invoice", chance.random())
        acts, weights = zip(*kit.machine.ACTS.items(), strict=True)
        for act in chance.choices(acts, weights, k=steps):
            running.step(act, chance.random())
            running.check()
        if rebuild:
            return rebuilding.rebuild(books, now=running.now)
    return None


def test_the_books_of_a_sequence_can_be_made_again_from_what_was_kept(kit, trial_books):
    for number in range(8):
        done = run(kit, trial_books, number, 60, rebuild=True)
        assert done.result.violations == []
        assert done.callbacks
        assert done.actions


def run_many(kit, books):
    for number in range(30):
        run(kit, books, number, 40)


def newest_first(books, money, customer, reason):
    queue = books.queues.get(customer)
    while queue and money.free_cents:
        posting.allocate(books, money, queue[-1], reason)
        if queue[-1].open_cents == 0:
            queue.pop()


def forgets_the_pin(books, money, takings, *, disown=False):
    TAKE_BACK(books, money, takings, disown=disown)
    money.pinned = False


TAKE_BACK = hand_work.take_back


@pytest.mark.parametrize(
    ("where", "name", "mistake"),
    [
        (posting, "pay_oldest", newest_first),
        (posting, "use_credit", lambda *_: None),
        (posting, "refusal", lambda *_: None),
        (posting, "reopen", lambda *_: None),
        (hand_work, "take_back", forgets_the_pin),
        (hand_work, "keep_all", lambda *_: []),
    ],
)
def test_a_planted_mistake_is_found(kit, trial_books, monkeypatch, where, name, mistake):
    """A proof that has never failed proves nothing."""
    monkeypatch.setattr(where, name, mistake)
    with pytest.raises(Exception):  # noqa: B017 - the model, a check or a constraint
        run_many(kit, trial_books)
