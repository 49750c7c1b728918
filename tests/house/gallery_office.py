"""Errors of the back office, told as in ``test_cli_errors``."""

INVOICE, LONG = "INV-20240203-0001", "x" * 201
CASH, OTHER = "CSH202402030001", "INV-20240203-0002"
RECORD = "payment record --method cash --date 2024-02-03 --amount"
STRAY = f"{RECORD} 3"
BOBS = f"customer create Bob --id BOB; {RECORD} 3 --customer BOB"
GIVEN = (
    f"invoice create --customer ANN --amount 5 --date 2024-02-03; "
    f"payment allocate {CASH} --to {INVOICE}:3 --reason x"
)
TAKEN = f"payment unallocate {CASH} --reason x"
HOLD = f"invoice hold {INVOICE} --reason disputed"

VERIFY = "payment verify QGK12XYZ91 --amount 5 --claim"
SALE = "POS-20240203-0001"
VOID_SALE = f"pos void {SALE} --reason typo --yes"
ASSIGN = "suspense assign QGK12XYZ91 --to"

STORIES = [
    ("nobody_to_remember", f"@lost; @sold; {ASSIGN} {SALE} --remember"),
    ("alias_exists", "@ann; @alias; customer alias add ANN --phone 254722000111"),
    ("alias_not_found", "@ann; customer alias remove 5"),
    ("alias_not_found", "@ann; @alias; customer alias remove 1; customer alias remove 1"),
    ("bad_alias", "@ann; customer alias add ANN --name Jane"),
    ("usage", "@ann; customer alias add ANN"),
    ("not_claimed", "@lost; payment unclaim QGK12XYZ91 --reason typo"),
    ("nothing_open", f"@sold; @pay QGK12XYZ91 5 {SALE}; {VERIFY} {SALE}"),
    ("already_void", f"@sold; {VOID_SALE}; {VERIFY} {SALE}"),
    ("sale_not_found", f"@lost; {VERIFY} {SALE}"),
    ("usage", "payment verify QGK12XYZ91 --amount 5 --dry-run"),
    ("file_not_found", "@ann; recon statement missing.csv"),
    ("unreadable_file", "@ann; @page; recon statement s.csv"),
    ("personal_statement", "@ann; @pdf; recon statement s.csv"),
    ("unknown_header", "@ann; @stranger; recon statement s.csv"),
    ("another_report", "@ann; @stores; recon statement s.csv"),
    ("no_short_code", "@ann; @nameless; recon statement s.csv"),
    ("foreign_short_code", "@ann; @foreign_code; recon statement s.csv --apply"),
    ("not_mpesa", "@cash; mpesa reverse CSH202402030001 --reason typo"),
    ("bad_day", "@ann; payment record --method cash --amount 5 --date 1999-12-31"),
    ("bad_text", f"@ann; payment record --method cash --amount 5 --payer {LONG}"),
    ("usage", "@ann; payment record --method cash --amount 5 --customer ANN --sale X"),
    ("usage", f"@cash; payment allocate {CASH} --to :5 --reason x"),
    ("nothing_free", f"@spent; payment allocate {CASH} --to {INVOICE} --reason x"),
    ("no_customer", f"{STRAY}; payment allocate {CASH} --reason x"),
    ("other_customer", f"@billed; {BOBS}; payment allocate {CASH} --to {INVOICE} --reason x"),
    ("more_than_free", f"@billed; {STRAY}; payment allocate {CASH} --to {INVOICE}:4 --reason x"),
    ("nothing_allocated", f"@cash; payment unallocate {CASH} --reason x"),
    ("not_on_invoice", f"@billed; {STRAY}; {GIVEN}; {TAKEN} --from {OTHER}"),
    ("more_than_allocated", f"@billed; {STRAY}; {GIVEN}; {TAKEN} --from {INVOICE}:4"),
    ("already_held", f"@billed; {HOLD}; {HOLD}"),
    ("not_held", f"@billed; invoice release {INVOICE} --reason x"),
    ("more_than_max", f"@billed; invoice writeoff {INVOICE} --max 4 --reason x --yes"),
    ("more_than_owed", f"@billed; invoice credit-note {INVOICE} --amount 6 --reason x"),
    ("nothing_to_undo", f"@billed; invoice writeoff {INVOICE} --undo --reason x"),
    ("usage", f"@billed; invoice writeoff {INVOICE} --reason x"),
    ("usage", "@ann; customer list --fields nmae"),
    ("usage", "@ann; customer list --fields ,"),
    ("file_not_writable", "@ann; customer list -o missing/list.json"),
]

ELSEWHERE = {
    "too_big_for_xlsx": "--json and a spreadsheet exclude each other; tests/render/test_sheet.py",
}

ARRANGED = {
    "cash": f"@ann; {RECORD} 5 --customer ANN",
    "spent": f"@billed; {RECORD} 5 --customer ANN",
}

STORIES += [
    ("usage", "mpesa pull --since yesterday"),
    ("usage", "mpesa pull --from 2020-01-01T00:00Z"),
    ("file_exists", "init; init --environment sandbox"),
    ("not_void", f"@billed; invoice void {INVOICE} --undo --reason typo"),
    ("not_void", f"@sold; pos void {SALE} --undo --reason typo"),
    ("usage", "@lost; payment reverse QGK12XYZ91 --undo --wait --reason typo"),
    ("not_reversed", "@lost; payment reverse QGK12XYZ91 --undo --reason typo"),
    ("unknown_header", "@stranger; import customers s.csv"),
    ("usage", "@names; import customers c.csv --map Name=colour"),
    ("bad_day", "@names; import customers c.csv --date 2999-01-01"),
    ("file_not_found", "import invoices missing.csv"),
    ("import_not_found", "@ann; import undo 5 --reason typo --yes"),
    (
        "already_undone",
        "@imported; import undo 1 --reason typo --yes; import undo 1 --reason typo --yes",
    ),
    (
        "import_in_use",
        (
            "@imported; invoice create --customer CUST-001 --amount 5; "
            "import undo 1 --reason typo --yes"
        ),
    ),
    ("confirmation_needed", "@imported; import undo 1 --reason typo"),
    ("bad_day", "@ann; day close --date 2999-01-01"),
    ("day_closed", "@ann; day close --cash 5; day close --cash 5"),
    ("not_closed", "@ann; day show"),
    ("usage", "day close --again"),
    ("usage", "day close --mpesa-balance 999999=5"),
    ("same_customer", "@ann; customer merge ANN ann --reason typo --yes"),
    (
        "already_merged",
        (
            "@ann; customer create Bob --id B; customer merge B ANN --reason typo --yes; "
            "customer merge B ANN --reason typo --yes"
        ),
    ),
    ("not_merged", "@ann; customer unmerge ANN --reason typo --yes"),
    (
        "merged_further",
        (
            "@ann; customer create Bob --id B; customer create Cid --id C; "
            "customer merge B C --reason x --yes; customer merge C ANN --reason x --yes; "
            "customer unmerge B --reason typo --yes"
        ),
    ),
    ("confirmation_needed", "@ann; customer create Bob --id B; customer merge B ANN --reason typo"),
]

TEA = "product create TEA Tea --price 5"
STORIES += [
    ("product_not_found", f"{TEA}; pos create --item teaa:2"),
    ("product_not_found", f"{TEA}; product show coffee"),
    ("product_exists", f"{TEA}; {TEA}"),
    ("bad_product_id", "product create caf\u00e9 Tea --price 5"),
    ("product_retired", f"{TEA}; product retire TEA --reason x; pos create --item TEA:2"),
    ("already_retired", f"{TEA}; product retire TEA --reason x; product retire TEA --reason x"),
    ("not_retired", f"{TEA}; product retire TEA --undo --reason x"),
    ("not_counted", f"{TEA}; product receive TEA --quantity 5"),
    (
        "too_many_pieces",
        f"{TEA} --stock 999999999999; product receive TEA --quantity 999999999999",
    ),
    ("usage", f"{TEA}; product edit TEA --stock 5"),
    ("usage", f"{TEA}; product receive TEA --quantity 0"),
    ("usage", f"{TEA}; product edit TEA --stock 1.5 --reason x"),
    ("refused", f"{TEA}; product edit TEA"),
    ("file_not_found", "product import missing.csv"),
]

LATE = (
    "customer create Ann --id ANN --phone 0712345678; "
    "invoice create --customer ANN --amount 5 --date 2024-02-03 --due 2024-02-04; remind"
)
STORIES += [
    ("webhook_port", "dashboard --port 8000"),
    ("unknown_short_code", "@ann; dashboard --short-code 999999"),
    ("usage", "@ann; webhook tail --since yesterday"),
    ("no_alert_urls", f"{LATE} --again-after 0; remind --send"),
    ("reminder_not_found", "@ann; remind cancel 5 --reason x"),
    ("already_cancelled", f"{LATE}; remind cancel 1 --reason x; remind cancel 1 --reason x"),
]

STORIES += [
    ("account_not_found", "@ann; ledger account assets:gold"),
    ("account_unclear", "@ann; ledger account ANN"),
    ("usage", "@ann; ledger journal --from 2026-02-03 --to 2026-02-01"),
    ("usage", "@ann; export --format excel"),
    ("file_not_writable", "@ann; export --format csv -o missing/books.csv"),
]
