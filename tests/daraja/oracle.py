"""A second reading of contract section 7, slow and plain, to hold the first one against.

It shares nothing with kelly: its own JSON reader, its own amounts, its own calendar.
"""

import calendar
import re
import string
from fractions import Fraction

DIGITS = "0123456789"
ALLOWED = set(DIGITS + string.ascii_letters)
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
WORDS = {"true": True, "false": False, "null": None}
SCALAR = re.compile("true|false|null|-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?")
HEX = re.compile("[0-9a-fA-F]{4}")


class BrokenError(Exception):
    """A rule is broken; the argument is the field."""


def require(good, field="body"):
    if not good:
        raise BrokenError(field)


class Number(str):
    __slots__ = ()


class Reader:
    def __init__(self, text):
        self.text = text + "\0"  # NUL is no sign of JSON: every reading stops there
        self.at = 0

    def sign(self):
        return self.text[self.at]

    def take(self, word):
        require(self.text.startswith(word, self.at))
        self.at += len(word)

    def space(self):
        while self.sign() in " \t\r\n":
            self.at += 1

    def value(self, level):
        self.space()
        require(level <= 32 or self.sign() not in "{[")
        if self.sign() == "{":
            found = {}
            for _ in self.each("}"):
                name = self.string()
                self.space()
                self.take(":")
                require(name not in found)
                found[name] = self.value(level + 1)
            return found
        if self.sign() == "[":
            return [self.value(level + 1) for _ in self.each("]")]
        if self.sign() == '"':
            return self.string()
        found = SCALAR.match(self.text, self.at)
        require(found)
        self.at = found.end()
        return WORDS[found[0]] if found[0] in WORDS else Number(found[0])

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
            require(self.sign() >= " ")
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
        require(sign in ESCAPES)
        return ESCAPES[sign]


def body_of(raw):
    try:
        reader = Reader(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BrokenError("body") from None
    body = reader.value(1)
    reader.space()
    require(isinstance(body, dict) and reader.at == len(reader.text) - 1)
    return body


def cents(text):
    whole, dot, part = text.partition(".")
    require(0 < len(whole) <= 12 and bool(part) == bool(dot), "TransAmount")
    require(set(whole + part) <= set(DIGITS), "TransAmount")
    exact = Fraction(int(whole + part), 10 ** len(part)) * 100
    require(exact > 0 and exact.denominator == 1, "TransAmount")
    return exact.numerator


def check_moment(text, latest):
    require(len(text) == 14 and set(text) <= set(DIGITS), "TransTime")
    require("2007" <= text <= latest, "TransTime")
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(int(text[:4]), month)[1]
    require(real and hour <= 23 and max(minute, second) <= 59, "TransTime")


def judge(raw, ours, latest):
    """Return ("ok", receipt, cents, time, short code) or ("refused", the first broken field).

    ``latest`` is the last good TransTime.
    """
    try:
        body = body_of(raw)
        receipt = body.get("TransID")
        receipt = receipt.strip() if type(receipt) is str else ""
        require(5 <= len(receipt) <= 32 and set(receipt) <= ALLOWED, "TransID")
        texts = [body.get(field) for field in ("TransAmount", "TransTime", "BusinessShortCode")]
        amount, time, code = (str(text) if isinstance(text, str) else "" for text in texts)
        paid = cents(amount)
        check_moment(time, latest)
        require(code in ours, "BusinessShortCode")
    except BrokenError as broken:
        return ("refused", broken.args[0])
    return ("ok", receipt.upper(), paid, time, code)
