import hashlib
from datetime import date

import pytest

from kelly_cli.errors import DomainError, NotFoundError
from kelly_cli.services import aliases, merging, suggesting, suspense
from kelly_cli.services.payments import get_payment

JANE, PETER = "254712345678", "254722000111"
INVOICE = "INV-20260203-0001"
HASH = hashlib.sha256(JANE.encode()).hexdigest()
MASKED_HASH = f"{HASH[:34]} ***** {HASH[-25:]}"


@pytest.fixture
def desk(books):
    return Desk(books)


class Desk:
    """The person who looks for owners."""

    def __init__(self, books):
        self.books = books
        self.books.customer("CUST-001", phone=JANE)
        self.books.customer("CUST-002", phone=PETER)
        self.rename("CUST-001", "Jane Wanjiku")
        self.rename("CUST-002", "Peter Otieno")

    def rename(self, customer_id, name):
        from kelly_cli.services import customers

        customers.edit_customer(self.books.database, self.books.hand, customer_id, name=name)

    def pay(self, receipt, amount, reference, msisdn="2547 ***** 000", name="BRIAN"):
        return self.books.pay(receipt, amount, reference, MSISDN=msisdn, FirstName=name)

    def suggest(self, receipt="QGK12XYZ91", limit=5):
        return suggesting.suggest(self.books.database, receipt, limit=limit).suggestions

    def first(self, receipt="QGK12XYZ91"):
        found = self.suggest(receipt)
        return found[0] if found else None

    def asked(self, reference, amount=1, msisdn="2547 ***** 000", name="BRIAN"):
        """Let money come and ask whose it is."""
        assert self.pay("QGK12XYZ91", amount, reference, msisdn, name) == "failed"
        return self.first()

    def assign(self, receipt, target, **options):
        return suspense.assign(self.books.database, self.books.hand, receipt, target, **options)


@pytest.mark.parametrize("typed", ["inv 20260203 0001", "#INV-20260203-0001", " inv202602030001 "])
def test_trap_21_another_way_to_write_a_reference_is_exact_and_matched(books, desk, typed):
    books.invoice(60)
    assert desk.pay("QGK12XYZ91", 60, typed) == "processed"


@pytest.mark.parametrize(
    ("typed", "target", "told"),
    [
        ("INV-20260203-OOO1", INVOICE, "look-alike signs: O for 0"),
        ("1NV202602030001", INVOICE, "look-alike signs: 1 for I"),
        ("INV-20260230-0001", INVOICE, "two neighbours swapped: 30 for 03"),
        ("20260203-0001", INVOICE, "INV left out"),
        ("260203 0001", INVOICE, "INV left out; the year is shortened"),
        ("0001", INVOICE, "INV left out; only the number is given"),
        ("CUST-0O2", "CUST-002", "look-alike signs: O for 0"),
        ("0722000112", "CUST-002", "the reference is almost this customer's phone"),
        ("otieno peter", "CUST-002", "the reference is the same as CUST-002's name"),
        ("OTIENO", "CUST-002", "the reference is 80 % like CUST-002's name"),
    ],
)
def test_trap_21_a_slip_is_not_matched_and_the_right_one_is_suggested(
    books, desk, typed, target, told
):
    books.invoice(60)
    found = desk.asked(typed)
    assert (found.target, found.reasons[0].startswith(told)) == (target, True)
    assert books.money()[1] == 0


@pytest.mark.parametrize("typed", ["174379", "", "\u2026", "rent"])
def test_trap_21_the_paybill_nothing_or_a_word_suggests_nothing_by_itself(books, desk, typed):
    books.invoice(60)
    assert desk.asked(typed) is None


def test_trap_22_two_that_fit_alike_are_both_shown_and_none_is_matched(books, desk):
    one, two = books.invoice(60, "CUST-001"), books.invoice(60, "CUST-002")
    before = books.rows("SELECT * FROM invoices ORDER BY id")
    assert desk.asked("INV-20260203-000", 60)
    found = desk.suggest()
    assert [each.target for each in found[:2]] == [one, two]
    assert found[0].score == found[1].score
    assert books.one("SELECT status, matched_by FROM payments") == ("UNMATCHED", None)
    assert books.rows("SELECT * FROM invoices ORDER BY id") == before
    books.retry()
    assert books.one("SELECT status, matched_by FROM payments") == ("UNMATCHED", None)


def test_the_same_amount_tells_two_neighbours_apart(books, desk):
    books.invoice(60, "CUST-001")
    two = books.invoice(70, "CUST-002")
    found = desk.asked("INV-20260203-000", 70)
    assert (found.target, found.reasons[-1]) == (two, "70.00 is just what is open on it")


def test_an_amount_that_is_open_once_is_found_without_any_reference(books, desk):
    invoice, sale = books.invoice(61), books.sale(62)
    assert desk.asked("", 61).target == invoice
    desk.pay("QGK12XYZ92", 62, "")
    assert desk.first("QGK12XYZ92").target == sale


def test_an_amount_that_is_open_often_says_nothing_by_itself(books, desk):
    for _ in range(suggesting.MOST_OF_AMOUNT + 1):
        books.invoice(60)
    assert desk.asked("", 60) is None


def test_what_is_paid_is_not_suggested_but_its_customer_is(books, desk):
    invoice = books.invoice(60)
    desk.pay("QGK12XYZ90", 60, invoice)
    found = desk.asked("INV-20260203-O001", 10)
    assert found.target == "CUST-001"
    assert found.reasons[0].startswith(f"like {invoice}, on which nothing is open")


def test_a_name_that_the_books_hold_only_now_is_suggested_first(books, desk):
    desk.pay("QGK12XYZ91", 60, INVOICE)
    assert desk.first() is None
    assert desk.books.invoice(60) == INVOICE
    assert desk.first().reasons[0] == "the reference is its name"


@pytest.mark.parametrize(
    ("msisdn", "told"),
    [
        (JANE, "paid from the phone of CUST-001"),
        (HASH, "paid from the phone of (by its hash) CUST-001"),
        (MASKED_HASH, "paid from the phone of (by its masked hash) CUST-001"),
        ("2547 ***** 678", "the masked phone fits the one of CUST-001"),
        ("25471****678", "the masked phone fits the one of CUST-001"),
        ("071****678", "the masked phone fits the one of CUST-001"),
    ],
)
def test_trap_20_our_own_customers_are_recognised_by_hash_and_mask(books, desk, msisdn, told):
    found = desk.asked("", 5, msisdn)
    assert (found.target, found.reasons) == ("CUST-001", (told,))


@pytest.mark.parametrize("msisdn", [HASH, MASKED_HASH])
def test_trap_19_a_hash_is_kept_whole(books, desk, msisdn):
    desk.pay("QGK12XYZ91", 5, "", msisdn)
    assert books.one("SELECT msisdn FROM payments") == (msisdn,)


@pytest.mark.parametrize("msisdn", [HASH, MASKED_HASH, "2547 ***** 678", JANE])
def test_trap_18_whose_phone_it_is_never_decides(books, desk, msisdn):
    books.invoice(60)
    assert desk.pay("QGK12XYZ91", 60, "", msisdn) == "failed"
    assert books.one("SELECT status, customer_id FROM payments") == ("UNMATCHED", None)
    assert desk.first().target == INVOICE


def test_trap_18_a_mask_behind_which_many_stand_needs_a_name_too(books, desk):
    for n in range(suggesting.MOST_MASKED + 1):
        books.customer(f"M-{n:02d}", phone=f"2547{n:05d}555")
    desk.rename("M-03", "Faith Kiptoo")
    assert desk.asked("", 5, "2547 ***** 555", "BRIAN") is None
    desk.pay("QGK12XYZ92", 5, "", "2547 ***** 555", "FAITH")
    assert desk.first("QGK12XYZ92").target == "M-03"


def test_who_paid_before_is_suggested_again(books, desk):
    brother = "254733000999"
    desk.pay("QGK12XYZ90", 5, "CUST-001", brother)
    found = desk.asked("", 5, "0733000999")
    assert found == ("CUST-001", 30, ("the same phone paid for CUST-001 before, once",))


def test_a_masked_phone_paid_before_only_with_the_same_name(books, desk):
    desk.pay("QGK12XYZ90", 5, "CUST-001", "2547 ***** 999", "BROTHER")
    assert desk.asked("", 5, "25473****999", "SISTER") is None
    desk.pay("QGK12XYZ92", 5, "", "25473****999", "BROTHER")
    assert desk.first("QGK12XYZ92").target == "CUST-001"


def test_a_hash_paid_before_is_known_again_when_it_is_masked(books, desk):
    hashed = hashlib.sha256(b"254733000999").hexdigest()
    desk.pay("QGK12XYZ90", 5, "CUST-001", hashed)
    assert desk.asked("", 5, f"{hashed[:34]} ***** {hashed[-25:]}").target == "CUST-001"


def test_a_full_name_is_found_and_one_word_is_not_enough(books, desk):
    assert desk.asked("", 5, name="OTIENO PETER").target == "CUST-002"
    desk.pay("QGK12XYZ92", 5, "", name="PETER")
    assert desk.first("QGK12XYZ92") is None


def test_who_was_merged_into_another_is_suggested_no_more(books, desk):
    desk.rename("CUST-002", "Jane Wanjiku Kamau")
    merging.merge_customers(books.database, books.hand, "CUST-002", "CUST-001")
    assert desk.asked("XX", name="JANE WANJIKU KAMAU") is None


def test_a_wildcard_in_a_name_is_no_wildcard(books, desk):
    assert desk.asked("%% __", 5, name="%%%% ____") is None


def test_a_customer_who_is_known_by_phone_gets_the_invoice_of_just_that_amount(books, desk):
    for _ in range(suggesting.MOST_OF_AMOUNT + 1):
        books.invoice(60, "CUST-002")
    own = books.invoice(60, "CUST-001")
    assert desk.asked("", 60, JANE).target == own
    assert [each.target for each in desk.suggest()] == [own, "CUST-001"]


def test_remembered_is_a_strong_suggestion_next_time_and_removal_undoes_it(books, desk, hand):
    desk.pay("QGK12XYZ90", 7, "mama jane", "2547 ***** 999", "BROTHER WANJIKU")
    desk.assign("QGK12XYZ90", "CUST-001", remember=True)
    learnt = aliases.list_aliases(books.database, "cust-001")
    assert [(each.kind, each.value, each.amount_cents) for each in learnt] == [
        ("reference", "MAMAJANE", None),
        ("name", "BROTHER WANJIKU", 700),
        ("masked", "2547*999", 700),
    ]
    assert {each.learnt_from for each in learnt} == {"QGK12XYZ90"}
    found = desk.asked("Mama  Jane", 7, "2547 ***** 999", "BROTHER WANJIKU")
    assert found.target == "CUST-001"
    assert found.score > 100
    assert found.reasons[0] == "remembered: the reference MAMAJANE is for CUST-001"
    assert books.one("SELECT count(*) FROM payments WHERE status = 'UNMATCHED'") == (1,)
    for alias in learnt:
        aliases.remove_alias(books.database, hand, alias.row)
    assert not any("remembered" in reason for reason in desk.first().reasons)
    assert aliases.list_aliases(books.database) == []
    assert len(aliases.list_aliases(books.database, retired=True)) == 3


def test_what_is_remembered_of_a_phone_is_known_by_its_hash_and_mask(books, desk):
    aliases.add_alias(books.database, books.hand, "CUST-002", "phone", "0733 000 999")
    hashed = hashlib.sha256(b"254733000999").hexdigest()
    for number, (msisdn, score) in enumerate(
        [("254733000999", 60), (hashed, 60), ("2547 ***** 999", 20)]
    ):
        desk.pay(f"QGK12XYZ8{number}", 5, "", msisdn)
        found = desk.first(f"QGK12XYZ8{number}")
        assert (found.target, found.score) == ("CUST-002", score)


def test_a_remembered_hash_is_known_when_it_is_masked_and_from_a_plain_phone(books, desk):
    hashed = hashlib.sha256(b"254733000999").hexdigest()
    aliases.add_alias(books.database, books.hand, "CUST-002", "phone", hashed)
    masked = f"{hashed[:34]} ***** {hashed[-25:]}"
    for number, msisdn in enumerate([masked, "254733000999"]):
        desk.pay(f"QGK12XYZ8{number}", 5, "", msisdn)
        assert desk.first(f"QGK12XYZ8{number}").score == 60


def test_what_is_remembered_of_two_is_suggested_for_both(books, desk, hand):
    for customer in ("CUST-001", "CUST-002"):
        aliases.add_alias(books.database, hand, customer, "reference", "House 5B")
    desk.asked("house-5b")
    assert [each.target for each in desk.suggest()] == ["CUST-001", "CUST-002"]


def test_remembering_twice_keeps_one_alias_with_the_newest_amount(books, desk):
    for receipt, amount in (("QGK12XYZ90", 7), ("QGK12XYZ91", 8)):
        desk.pay(receipt, amount, "mama", "254733000999")
        desk.assign(receipt, "CUST-001", remember=True)
    found = aliases.list_aliases(books.database)
    assert [(each.kind, each.amount_cents) for each in found] == [
        ("reference", None),
        ("phone", 800),
    ]


def test_a_sale_to_nobody_has_nobody_to_remember_and_nothing_moves(books, desk):
    sale = books.sale(60)
    desk.pay("QGK12XYZ91", 60, "x")
    with pytest.raises(DomainError) as error:
        desk.assign("QGK12XYZ91", sale, remember=True)
    assert error.value.code == "nobody_to_remember"
    assert books.money()[1] == 0


def test_a_dry_run_remembers_nothing(books, desk):
    desk.pay("QGK12XYZ91", 60, "x")
    desk.assign("QGK12XYZ91", "CUST-001", remember=True, dry_run=True)
    aliases.add_alias(books.database, books.hand, "CUST-001", "phone", JANE, dry_run=True)
    assert aliases.list_aliases(books.database, retired=True) == []
    kept = aliases.add_alias(books.database, books.hand, "CUST-001", "phone", JANE)
    aliases.remove_alias(books.database, books.hand, kept.row, dry_run=True)
    assert len(aliases.list_aliases(books.database)) == 1


def test_the_audit_tells_of_aliases_without_the_phone(books, desk, hand):
    made = aliases.add_alias(books.database, hand, "CUST-001", "phone", "0733000999")
    aliases.remove_alias(books.database, hand, made.row)
    desk.pay("QGK12XYZ91", 60, "x", "254733000999")
    desk.assign("QGK12XYZ91", "CUST-001", remember=True)
    told = books.rows("SELECT action, before, after FROM audit ORDER BY id")
    assert [row[0] for row in told[-3:]] == ["alias.add", "alias.remove", "suspense.assign"]
    assert '"remembered"' in told[-1][2]
    assert "733000999" not in str(told)


def test_a_removed_alias_can_be_taught_again(books, desk, hand):
    made = aliases.add_alias(books.database, hand, "CUST-001", "phone", "0733000999")
    with pytest.raises(DomainError) as again:
        aliases.add_alias(books.database, hand, "CUST-001", "phone", "254733000999")
    assert again.value.code == "alias_exists"
    aliases.remove_alias(books.database, hand, made.row)
    assert aliases.add_alias(books.database, hand, "CUST-001", "phone", "0733000999").row > made.row


def test_placed_money_has_no_suggestions(books, desk):
    desk.pay("QGK12XYZ91", 60, "CUST-001")
    with pytest.raises(DomainError) as error:
        desk.suggest()
    assert error.value.code == "not_in_suspense"


def test_the_rest_on_a_sale_to_nobody_is_asked_about_too(books, desk):
    desk.pay("QGK12XYZ91", 100, books.sale(60), JANE)
    invoice = books.invoice(40)
    assert [each.target for each in desk.suggest()] == [invoice, "CUST-001"]


def test_no_more_than_asked_for_and_always_the_same(books, desk):
    for _ in range(9):
        books.invoice(60)
    desk.pay("QGK12XYZ91", 60, "INV-20260203-000")
    assert len(desk.suggest()) == 5
    assert desk.suggest(limit=3) == desk.suggest(limit=50)[:3]


def test_asking_changes_nothing(books, desk):
    books.invoice(60)
    desk.pay("QGK12XYZ91", 60, "INV-20260203-O001", JANE)
    tables = ("payments", "allocations", "webhook_logs", "invoices", "audit", "payer_aliases")

    def everything():
        return [books.rows(f"SELECT * FROM {table} ORDER BY id") for table in tables]

    before = everything()
    desk.suggest()
    assert everything() == before


def test_a_note_stands_in_the_list_until_another_and_the_audit_keeps_both(books, desk, hand):
    desk.pay("QGK12XYZ91", 60, "x")
    for text in ("asked her", "she calls back"):
        suspense.note(books.database, hand, "qgk12xyz91", text)
    suspense.note(books.database, hand, "QGK12XYZ91", "never", dry_run=True)
    (waiting,) = suspense.list_suspense(books.database, today=date(2026, 2, 3))
    assert waiting.note == "she calls back"
    told = books.rows("SELECT after FROM audit WHERE action = 'suspense.note' ORDER BY id")
    assert told == [('{"note": "asked her"}',), ('{"note": "she calls back"}',)]
    suspense.note(books.database, hand, "QGK12XYZ91", "")
    (waiting,) = suspense.list_suspense(books.database, today=date(2026, 2, 3))
    assert waiting.note is None


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("QGK12XYZ9l", "Is it QGK12XYZ91? Look well, and type it again"),
        ("QGKI2XYZ91", "Is it QGK12XYZ91? Look well, and type it again"),
        ("qgk1 2xyz 91", "Is it QGK12XYZ91? Look well, and type it again"),
        ("QGK12XZY91", "Is it QGK12XYZ91? Look well, and type it again"),
        ("ABC99XYZ00", "Look for it: kelly payment list --search TEXT"),
        ("\u2026", "Look for it: kelly payment list --search TEXT"),
        ("x" * 64, "Look for it: kelly payment list --search TEXT"),
    ],
)
def test_trap_45_a_mistyped_receipt_is_named_and_never_put_in_its_place(books, desk, typed, hint):
    desk.pay("QGK12XYZ91", 60, "x")
    desk.pay("QGK12XYZ92", 60, "x")
    with books.database.reading() as connection, pytest.raises(NotFoundError) as error:
        get_payment(connection, typed)
    assert (error.value.code, error.value.hint) == ("payment_not_found", hint)
