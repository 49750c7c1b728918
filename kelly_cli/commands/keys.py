"""The keys of the objects that changing commands print, known before anything is done.

For ``single`` (commands/single.py); a list's fields stand where the list is made. A test holds
every object that is printed to them.
"""

from __future__ import annotations

from kelly_cli.commands.shapes import CUSTOMER, INVOICE, LOG, PAYMENT, SALE

__all__ = ["CUSTOMER", "INVOICE", "LOG", "PAYMENT", "SALE"]

MERGED = ("from", "into", "dry_run", "moved", "phone_conflict", "paid", "balance")
BILLED = ("credit_used", "kept", "payment_steps")
VOIDED = ("freed", "dry_run")
ADJUSTED = ("changed", "freed", "moved", "dry_run", "payment_steps")
MOVED = ("moved", "dry_run")
MATCHED = ("pairs", "clashes", "applied")
IMPORTED = (
    "import", "kind", "file", "columns", "rows", "created", "exists", "refused", "verdicts",
    "dry_run",
)  # fmt: skip
TAKEN_BACK = ("dry_run", "customers", "invoices", "receipts", "products")

VERDICT = ("verdict", "detail", "mpesa_receipt_number", "did_you_mean", "payment")
SEEN = (
    "mpesa_receipt_number", "amount", "transaction_date", "short_code", "payer_name", "msisdn",
    "customer_id", "held", "claim",
)  # fmt: skip
REVERSED = ("taken", "moved", "environment", "dry_run")
REMINDED = ("dry_run", "reminders", "without_phone", "skipped")

TALLY = ("received", "processed", "duplicates", "failed", "conflicts", "failures")
RETRIED = (
    "retried", "processed", "duplicates", "failed", "failures", "spool", "drained", "damaged",
    "readable", "dry_run", "effects",
)  # fmt: skip
DEALT = ("payments", "posted", "total")
REPLAYED = ("log_id", "to", "bytes", "status", "answer")
TOKEN = ("token", "variable", "urls")

QR = ("for", "short_code", "reference", "amount", "file", "drawn_by", "words")
SIMULATED = ("short_code", "amount", "msisdn", "bill_ref_number", "response")
REGISTERED = (
    "environment", "short_code", "api", "confirmation_url", "validation_url", "response_type", "id",
    "outcome", "reply", "actor", "created_at", "answered_at", "response", "dry_run", "checks",
)  # fmt: skip
ASKED = (
    "id", "kind", "environment", "short_code", "receipt", "amount", "state", "result_code",
    "result_desc", "reason", "actor", "conversation_id", "originator_conversation_id", "log_id",
    "created_at", "updated_at", "result", "accounts", "conflict", "payment",
)  # fmt: skip
PULLED = (
    "asked", "records", "new", "known", "failed", "skipped", "conflicts", "unmatched",
    "skipped_kinds", "clock", "unknown", "out_of_reach", "failures", "dry_run",
)  # fmt: skip
PULL_COMPARED = ("in_both", "only_kelly", "amount_differs")
COMPARED = (
    "in_both", "only_statement", "only_kelly", "amount_differs", "skipped", "applied", "verified",
    "unmatched", "refused", "reversed", "elsewhere", "times_differ", "fees", "skipped_kinds",
    "problems", "files", "partly_reversed", "failures",
)  # fmt: skip

BACKED_UP = ("file", "bytes", "payments", "schema")
RESTORED = ("kept", "ok", "violations", "counts", "warnings")
UPGRADED = ("before", "after", "backup")
TOTALS = ("differed", "differences", "dry_run")
PURGED = (
    "before", "payments", "logs", "validations", "quarantined", "prompts", "requests", "aliases",
    "movements", "reminders", "dry_run",
)  # fmt: skip
CHANGED_SETTING = ("setting", "value", "kelly_toml")
SET_UP = ("kelly_toml", "dotenv", "database", "next")
DEMO = ("ok", "folder", "steps")
EXPORTED = ("file", "format")
