"""The rules of the books: standard library only, no clock, no I/O, no database, no Safaricom."""
