"""Every request on the wire, key by key, misspelt ones included."""

import base64
import json

import pytest

from kelly_cli.daraja.client import (
    BadAnswerError,
    DarajaRefusedError,
)

BASE = "https://daraja.example"
PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
ACK = {
    "OriginatorConversationID": "5118-111210482-1",
    "ConversationID": "AG_20260203_1",
    "ResponseCode": "0",
    "ResponseDescription": "Accept the service request successfully.",
}


def sent(route):
    request = route.calls.last.request
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer abc"
    return request.url.path, json.loads(request.content)


def test_the_token_is_asked_for_with_basic_and_without_a_body(wire, daraja, keys):
    daraja.token()
    request = wire.calls.last.request
    assert (request.method, request.content) == ("GET", b"")
    assert request.url.query == b"grant_type=client_credentials"
    kind, pair = request.headers["authorization"].split()
    assert kind == "Basic"
    assert base64.b64decode(pair).decode() == f"{keys.consumer_key}:{keys.consumer_secret}"


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_register_urls_on_the_wire(daraja, answered, api):
    route = answered(body={"ResponseCode": "0", "ResponseDescription": "success"})
    daraja.register_urls(
        short_code="0600984", confirmation_url="https://a.example/c",
        validation_url="https://a.example/v", response_type="Cancelled", api=api,
    )  # fmt: skip
    assert sent(route) == (
        f"/mpesa/c2b/{api}/registerurl",
        {
            "ShortCode": "0600984",
            "ResponseType": "Cancelled",
            "ConfirmationURL": "https://a.example/c",
            "ValidationURL": "https://a.example/v",
        },
    )


def test_simulate_on_the_wire(daraja, answered):
    route = answered(body={"ResponseCode": "0", "ResponseDescription": "Accept ..."})
    wanted = {"short_code": "600984", "amount_cents": 12_00, "msisdn": "254708374149"}
    daraja.simulate(**wanted, bill_ref="INV-1", buy_goods=False, api="v2")
    assert sent(route) == (
        "/mpesa/c2b/v2/simulate",
        {
            "ShortCode": 600984,
            "CommandID": "CustomerPayBillOnline",
            "Amount": 12,
            "Msisdn": 254708374149,
            "BillRefNumber": "INV-1",
        },
    )
    daraja.simulate(**wanted, bill_ref=None, buy_goods=True, api="v1")
    path, body = sent(route)
    assert (path, body["CommandID"]) == ("/mpesa/c2b/v1/simulate", "CustomerBuyGoodsOnline")
    assert "BillRefNumber" not in body


def test_a_prompt_on_the_wire(daraja, answered, do, keys):
    route = answered(
        body={
            "MerchantRequestID": "29115-1",
            "CheckoutRequestID": "ws_CO_1",
            "ResponseCode": "0",
            "ResponseDescription": "Success. Request accepted for processing",
            "CustomerMessage": "Success. Request accepted for processing",
        }
    )
    accepted = do("prompt", daraja)
    assert accepted[:2] == ("29115-1", "ws_CO_1")
    path, body = sent(route)
    password = base64.b64decode(body.pop("Password")).decode()
    assert password == f"174379{keys.passkey}20260203150000"
    assert (path, body) == (
        "/mpesa/stkpush/v1/processrequest",
        {
            "BusinessShortCode": "174379",
            "Timestamp": "20260203150000",
            "TransactionType": "CustomerPayBillOnline",
            "Amount": 100,
            "PartyA": 254708374149,
            "PartyB": "174379",
            "PhoneNumber": 254708374149,
            "CallBackURL": "https://pay.example.co.ke/cb",
            "AccountReference": "INV-1",
            "TransactionDesc": "Invoice",
        },
    )


def test_status_balance_and_reversal_on_the_wire_trap_39(daraja, answered, do, made, keys):
    from cryptography.hazmat.primitives.asymmetric import padding

    route = answered(body=ACK)
    assert do("status", daraja)[:2] == ("AG_20260203_1", "5118-111210482-1")
    path, body = sent(route)
    credential = base64.b64decode(body.pop("SecurityCredential"))
    opened = made.key.decrypt(credential, padding.PKCS1v15())
    assert opened.decode() == keys.initiator_password
    urls = {
        "ResultURL": "https://pay.example.co.ke/r",
        "QueueTimeOutURL": "https://pay.example.co.ke/t",
    }
    assert (path, body) == (
        "/mpesa/transactionstatus/v1/query",
        {
            "Initiator": keys.initiator_name,
            "CommandID": "TransactionStatusQuery",
            "TransactionID": "QGK12XYZ91",
            "PartyA": "600984",
            "IdentifierType": "4",
            **urls,
            "Remarks": "status",
            "Occasion": "",
        },
    )
    do("balance", daraja)
    path, body = sent(route)
    del body["SecurityCredential"]
    assert (path, body) == (
        "/mpesa/accountbalance/v1/query",
        {
            "Initiator": keys.initiator_name,
            "CommandID": "AccountBalance",
            "PartyA": "600984",
            "IdentifierType": "4",
            "Remarks": "balance",
            **urls,
        },
    )
    do("reverse", daraja)
    path, body = sent(route)
    del body["SecurityCredential"]
    assert (path, body) == (
        "/mpesa/reversal/v1/request",
        {
            "Initiator": keys.initiator_name,
            "CommandID": "TransactionReversal",
            "TransactionID": "QGK12XYZ91",
            "Amount": 5,
            "ReceiverParty": "600984",
            "RecieverIdentifierType": "11",
            **urls,
            "Remarks": "wrong one",
        },
    )


def test_a_status_by_conversation_names_no_receipt_trap_39(daraja, answered):
    route = answered(body=ACK)
    daraja.payment_status(
        short_code="600984", receipt=None, original_conversation_id="5118-1",
        result_url="https://a.example/r", timeout_url="https://a.example/t", remarks="x",
        occasion="y",
    )  # fmt: skip
    body = sent(route)[1]
    assert (body["OriginalConversationID"], body["Occasion"]) == ("5118-1", "y")
    assert "TransactionID" not in body
    assert "Occassion" not in body


def test_pull_on_the_wire(daraja, answered, do):
    route = answered(body={"ResponseCode": "1000", "Response": [[]]})
    do("pull", daraja)
    assert sent(route) == (
        "/pulltransactions/v1/query",
        {
            "ShortCode": "600984",
            "StartDate": "2026-02-02 15:00:00",
            "EndDate": "2026-02-03 15:00:00",
            "OffSetValue": "0",
        },
    )
    do("pull_register", daraja)
    assert sent(route) == (
        "/pulltransactions/v1/register",
        {
            "ShortCode": "600984",
            "RequestType": "Pull",
            "NominatedNumber": "254722000000",
            "CallBackURL": "https://pay.example.co.ke/p",
        },
    )


@pytest.mark.parametrize("code", ["00", "AG_20191219_000043fdf61864fe9ff5"])
def test_a_qr_code_is_a_picture_whatever_its_code(daraja, answered, do, code):
    picture = base64.b64encode(PNG).decode()
    route = answered(body={"ResponseCode": code, "RequestID": "1", "QRCode": picture})
    assert do("qr", daraja).png == PNG
    assert sent(route) == (
        "/mpesa/qrcode/v1/generate",
        {
            "MerchantName": "Shop",
            "RefNo": "INV-1",
            "Amount": 5,
            "TrxCode": "PB",
            "CPI": "600984",
            "Size": "300",
        },
    )


@pytest.mark.parametrize("text", ["", "????", base64.b64encode(b"<html>").decode()])
def test_a_qr_code_that_is_no_picture_is_a_bad_answer(daraja, answered, do, text):
    answered(body={"ResponseCode": "00", "ResponseDescription": "Success", "QRCode": text})
    with pytest.raises((BadAnswerError, DarajaRefusedError)):
        do("qr", daraja)
