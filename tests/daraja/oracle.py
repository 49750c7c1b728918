"""A second reading of contract section 7, slow and plain, to hold the first one against.

It shares nothing with kelly: its own JSON reader, sign by sign, its own amounts and calendar.
"""

import calendar
import re
from fractions import Fraction

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
NUMBER = re.compile("-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?")
HEX = re.compile("[0-9a-fA-F]{4}")


class BrokenError(Exception):
    """A rule is broken; the argument is the field."""


class Number(str):
    """The text of a JSON number."""


class Reader:
    """Reads JSON values of a text, each from ``self.at`` on."""

    def __init__(self, text):
        self.text = text + "\0"  # NUL is no sign of JSON: every reading stops there
        self.at = 0

    def sign(self):
        return self.text[self.at]

    def take(self, word):
        if not self.text.startswith(word, self.at):
            raise BrokenError("body")
        self.at += len(word)

    def space(self):
        while self.sign() in " \t\r\n":
            self.at += 1

    def value(self, level):
        self.space()
        if level > 32 and self.sign() in "{[":
            raise BrokenError("body")
        if self.sign() == "{":
            found = {}
            for _ in self.each("}"):
                name = self.string()
                self.space()
                self.take(":")
                if name in found:
                    raise BrokenError("body")
                found[name] = self.value(level + 1)
            return found
        if self.sign() == "[":
            return [self.value(level + 1) for _ in self.each("]")]
        if self.sign() == '"':
            return self.string()
        for word, meaning in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += 4 if meaning is not False else 5
                return meaning
        found = NUMBER.match(self.text, self.at)
        if not found:
            raise BrokenError("body")
        self.at = found.end()
        return Number(found[0])

    def each(self, closing):
        self.at += 1
        self.space()
        comma = ""
        while self.sign() != closing:
            self.take(comma)
            self.space()
            yield
            self.space()
            comma = ","
        self.at += 1

    def string(self):
        self.take('"')
        signs = []
        while self.sign() != '"':
            if self.sign() < " ":
                raise BrokenError("body")
            sign = self.sign()
            self.at += 1
            signs.append(self.escaped() if sign == "\\" else sign)
        self.take('"')
        whole = "".join(signs).encode("utf-16-le", "surrogatepass")  # joins pairs of surrogates
        return whole.decode("utf-16-le", "surrogatepass")

    def escaped(self):
        sign = self.sign()
        self.at += 1
        if sign == "u" and HEX.match(self.text, self.at):
            self.at += 4
            return chr(int(self.text[self.at - 4 : self.at], 16))
        if sign not in ESCAPES:
            raise BrokenError("body")
        return ESCAPES[sign]


def body_of(raw):
    try:
        reader = Reader(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BrokenError("body") from None
    body = reader.value(1)
    reader.space()
    if not isinstance(body, dict) or reader.at != len(reader.text) - 1:
        raise BrokenError("body")
    return body


def cents(text):
    whole, dot, part = text.partition(".")
    if not whole or len(whole) > 12 or set(whole + part) - set(DIGITS) or (dot and not part):
        raise BrokenError("TransAmount")
    exact = Fraction(int(whole + part), 10 ** len(part)) * 100
    if exact == 0 or exact.denominator != 1:
        raise BrokenError("TransAmount")
    return exact.numerator


def check_moment(text, latest):
    if len(text) != 14 or set(text) - set(DIGITS) or not "2007" <= text <= latest:
        raise BrokenError("TransTime")
    pairs = [int(text[at : at + 2]) for at in range(2, 14, 2)]
    year, (month, day, hour, minute, second) = int(text[:4]), pairs[1:]
    real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]
    if not real or hour > 23 or max(minute, second) > 59:
        raise BrokenError("TransTime")


def judge(raw, ours, latest):
    """Return ("ok", receipt, cents, time, short code) or ("refused", the first broken field).

    ``latest`` is the last good TransTime.
    """
    try:
        body = body_of(raw)
        receipt = body.get("TransID")
        receipt = receipt.strip() if type(receipt) is str else ""
        if not 5 <= len(receipt) <= 32 or set(receipt) - set(DIGITS + LETTERS):
            raise BrokenError("TransID")
        texts = [body.get(field) for field in ("TransAmount", "TransTime", "BusinessShortCode")]
        amount, time, code = (str(text) if isinstance(text, str) else "" for text in texts)
        paid = cents(amount)
        check_moment(time, latest)
        if code not in ours:
            raise BrokenError("BusinessShortCode")
    except BrokenError as broken:
        return ("refused", broken.args[0])
    return ("ok", receipt.upper(), paid, time, code)
