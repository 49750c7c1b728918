"""Safaricom's words stop here: callbacks and statements in, plain facts out."""
