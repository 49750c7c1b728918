"""Posted by Safaricom: HTTP in front, one writer behind, every 200 after the commit.

It must not know people, the screen or the database's words.
"""
