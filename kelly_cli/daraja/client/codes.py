"""What Safaricom's codes mean and what to do about them, offline.

Codes are overloaded: one code means different things in different places, so each stands with its
place, and Safaricom's own words are always shown beside it. What is not in here is unknown, and no
meaning is made up for it. Source: daraja-facts 1, 2.5, 4.4, 5, 6, 7.
"""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """One code in one place."""

    code: str
    place: str
    """Where it turns up: ``error``, ``prompt``, ``result``, ``validation``, ``pull``."""
    meaning: str
    action: str
    """What to do."""
    words: str = ""
    """It means this only where Safaricom's message holds these words."""


_PORTAL = "https://developer.safaricom.co.ke"
_WAIT = "Wait a minute, then run it again"
_KEYS = "Check the consumer key and secret, and that they belong to mpesa.environment"
_ADD_PRODUCT = "Check on the portal that the app has this API product, in this version"
_PIN = "Ask the customer to try again with the right PIN"
_AGAIN = "Ask the customer, then send the prompt again"
_OPERATOR = "Check MPESA_INITIATOR_NAME and MPESA_INITIATOR_PASSWORD, and the operator's state"
_REPORT = "Run it again later; if it stays, ask apisupport@safaricom.co.ke with the request id"

_ERRORS = (
    Known(
        "400.002.02",
        "error",
        "A field is wrong: the message names it",
        "Correct the field that the message names",
    ),
    Known(
        "400.002.05", "error", "The request as a whole is not what this API expects", _ADD_PRODUCT
    ),
    Known(
        "400.003.01", "error", "The access token is not accepted (C2B)", "Run: kelly mpesa token"
    ),
    Known(
        "400.003.02",
        "error",
        "A URL holds a word that Safaricom forbids",
        "Run: kelly mpesa urls check URL, and register a URL that passes",
        words="has the word",
    ),
    Known(
        "400.003.02",
        "error",
        "A field of a C2B request is wrong: the message names it",
        "Correct the field that the message names; kelly mpesa urls check URL tests a URL",
    ),
    Known("400.008.01", "error", "The keys were not sent as they must be", _KEYS),
    Known("400.008.02", "error", "The kind of token asked for is unknown", _REPORT),
    Known("401.001", "error", "The access token is not accepted (pull)", _ADD_PRODUCT),
    Known("401.002.01", "error", "The access token is not accepted", _ADD_PRODUCT),
    Known(
        "401.003.01",
        "error",
        "The access token is not accepted, or the app has not this product in this version",
        "Try the other --api version, or add the product to the app on the portal",
    ),
    Known("404.001.01", "error", "There is no such address", "Check mpesa.base_url"),
    Known("404.002.01", "error", "There is no such address", "Check mpesa.base_url"),
    Known("404.003.01", "error", "There is no such address (C2B)", "Check mpesa.base_url"),
    Known("404.001.03", "error", "The access token is not accepted", "Run: kelly mpesa token"),
    Known("404.001.04", "error", "The authentication header or method is wrong", _REPORT),
    Known("405.001", "error", "The method is not allowed there", "Check mpesa.base_url"),
    Known(
        "500.001.1001",
        "error",
        "The payment prompt is still being processed: neither paid nor refused",
        "Ask again: kelly mpesa prompt query",
        words="being processed",
    ),
    Known(
        "500.001.1001",
        "error",
        "The phone has another M-Pesa session open",
        "Wait one to three minutes, then send the prompt again",
        words="lock subscriber",
    ),
    Known(
        "500.001.1001",
        "error",
        "Short code and passkey do not belong together",
        "Check mpesa.short_code and MPESA_PASSKEY",
        words="wrong credentials",
    ),
    Known(
        "500.001.1001",
        "error",
        "The short code is unknown, its passkey is wrong, or the phone is busy: read the message",
        "Check mpesa.short_code, MPESA_PASSKEY and mpesa.environment",
    ),
    Known(
        "500.002.1001",
        "error",
        "This conversation id was used before, or the service is under maintenance",
        "Read the message; " + _WAIT.lower(),
    ),
    Known("00.002.1001", "error", "The service is under maintenance", "Try again in half an hour"),
    Known(
        "500.003.1001",
        "error",
        "URLs are registered for this short code already",
        "Delete them on the portal (Self Services > URL Management), then register again",
        words="already registered",
    ),
    Known(
        "500.003.1001",
        "error",
        "URLs stand on the older platform (VPN or aggregator)",
        "Ask apisupport@safaricom.co.ke to delete them there first",
        words="duplicate notification",
    ),
    Known("500.003.1001", "error", "An error inside Safaricom", _REPORT),
    Known("500.003.02", "error", "Too many requests at once, or the system is busy", _WAIT),
    Known("500.003.03", "error", "The quota of the app is used up", "Try again later"),
    Known("100000001", "error", "M-Pesa's core is overloaded", _WAIT),
    Known("100000002", "error", "M-Pesa's core is overloaded", _WAIT),
    Known("100000011", "error", "M-Pesa's core is overloaded", _WAIT),
)

_PROMPTS = (
    Known("0", "prompt", "Paid", "Nothing: the payment comes as a callback"),
    Known("1", "prompt", "The customer has not enough money", _AGAIN),
    Known("2", "prompt", "The amount is below the least allowed", "Ask for at least KES 1"),
    Known("3", "prompt", "The amount is above the most allowed", "Ask for KES 250,000 or less"),
    Known("4", "prompt", "The customer's limit for the day is reached", "Try again tomorrow"),
    Known(
        "8",
        "prompt",
        "The receiver's account would hold too much",
        "Empty the account on the portal, then send the prompt again",
    ),
    Known(
        "17",
        "prompt",
        "The same amount from the same phone within two minutes, or an internal failure",
        "Wait two minutes, look whether it was paid, then send the prompt again",
    ),
    Known("26", "prompt", "M-Pesa is too busy", _WAIT),
    Known(
        "1001",
        "prompt",
        "The phone has another M-Pesa session open",
        "Wait one to three minutes, then send the prompt again",
    ),
    Known("1019", "prompt", "The prompt ran out of time", _AGAIN),
    Known(
        "1025",
        "prompt",
        "The prompt could not be sent; its text may be too long",
        "Shorten reference and description, then send it again",
    ),
    Known("9999", "prompt", "The prompt could not be sent", _AGAIN),
    Known("1031", "prompt", "No PIN in time, or cancelled", _AGAIN),
    Known("1032", "prompt", "Cancelled by the customer, or the prompt timed out", _AGAIN),
    Known("1036", "prompt", "The network did not deliver the prompt in time", _AGAIN),
    Known(
        "1037",
        "prompt",
        "The phone could not be reached, or nobody answered in time",
        "See that the phone is on and the SIM works with M-Pesa, then send it again",
    ),
    Known("2001", "prompt", "The PIN was wrong", _PIN),
    Known(
        "2028",
        "prompt",
        "Kind of payment or receiving number do not fit this short code",
        "Use --buy-goods for a till, and the till's own number",
    ),
    Known(
        "4999",
        "prompt",
        "Still being processed: neither paid nor refused",
        "Ask again: kelly mpesa prompt query",
    ),
    Known("8006", "prompt", "The security credential is locked", "Unlock the operator"),
    Known(
        "SFC_IC0003",
        "prompt",
        "The receiving party does not exist: wrong number or wrong kind",
        "Check the short code and whether it is a till or a paybill",
    ),
    Known("TP40087", "prompt", "The PIN was wrong (older code)", _PIN),
    Known("E3008", "prompt", "The sandbox takes its test phone only", "Use the phone 254708374149"),
)

_RESULTS = (
    Known("0", "result", "Done", "Nothing"),
    Known(
        "1",
        "result",
        "The short code has not enough money",
        "Move money to the account of the short code, then ask again",
    ),
    Known("11", "result", "The debited party is in a state that forbids it", _REPORT),
    Known(
        "21",
        "result",
        "The operator may not do this",
        "Give the operator the role for it on the portal, such as Org Reversals Initiator",
    ),
    Known("25", "result", "A field is missing or wrong", _REPORT),
    Known("26", "result", "M-Pesa is too busy", _WAIT),
    Known("2001", "result", "Name or password of the operator is wrong", _OPERATOR),
    Known("2006", "result", "The operator or account is not active", _OPERATOR),
    Known("2028", "result", "The short code may not do this", _ADD_PRODUCT),
    Known(
        "8006",
        "result",
        "The operator is locked after wrong passwords",
        "Unlock the operator on the portal, set a new password, and keep it in .env",
    ),
    Known(
        "R000001",
        "result",
        "This payment was given back already",
        "Look at it: kelly mpesa status RECEIPT",
    ),
    Known(
        "R000002",
        "result",
        "There is no such payment to give back",
        "Check the receipt: kelly mpesa status RECEIPT",
    ),
    Known("SFC_IC0003", "result", "The operator or party does not exist", _OPERATOR),
)

_VALIDATIONS = (
    Known("0", "validation", "The payment is welcome", "Nothing"),
    Known("C2B00011", "validation", "The phone is not accepted", "Sent to M-Pesa as a refusal"),
    Known("C2B00012", "validation", "The account number is unknown", "Sent to M-Pesa as a refusal"),
    Known("C2B00013", "validation", "The amount is not accepted", "Sent to M-Pesa as a refusal"),
    Known("C2B00014", "validation", "The payer's details are wrong", "Sent to M-Pesa as a refusal"),
    Known("C2B00015", "validation", "The short code is not ours", "Sent to M-Pesa as a refusal"),
    Known("C2B00016", "validation", "Refused for another reason", "Sent to M-Pesa as a refusal"),
)

_PULLS = (
    Known("1000", "pull", "Done", "Nothing"),
    Known(
        "1001",
        "pull",
        "Nothing found, or the short code is not registered for pulls: no answer tells which. "
        "To a registration: it was registered before",
        "If no pull ever found anything, run: kelly mpesa pull register",
    ),
)

CATALOGUE = (*_ERRORS, *_PROMPTS, *_RESULTS, *_VALIDATIONS, *_PULLS)
UNKNOWN_HINT = f"The words are Safaricom's own; kelly does not know this code. See {_PORTAL}"


def explain(code: str, *, place: str = "", message: str = "") -> tuple[Known, ...]:
    """Return what a code may mean, the reading that fits ``message`` first.

    ``place``: only there ("" = everywhere). Unknown codes give nothing.
    """
    wanted, said = code.strip().upper(), message.lower()
    found = [
        known for known in CATALOGUE if known.code.upper() == wanted and place in {"", known.place}
    ]
    if said:
        found = [known for known in found if known.words in said]
    return tuple(found)


def hint_for(code: str, message: str) -> str:
    """Return meaning and next step for a refusal, from the words where the code says little."""
    known = explain(code, place="error", message=message) or explain(code, message=message)
    if not known:
        return UNKNOWN_HINT
    return f"{known[0].meaning}. {known[0].action}"
