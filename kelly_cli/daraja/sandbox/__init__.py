"""A pretend Safaricom on this machine: Daraja over real HTTP, bad days included.

It keeps the truth that it dealt. It shares no checking code with kelly's client, so that one proves
the other, and it knows nothing of the books.
"""
