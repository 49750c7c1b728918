"""Typed by people: parse the words, call one verb, show what it says. One file per noun."""
