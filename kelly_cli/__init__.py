"""kelly: the back office of a business that takes M-Pesa."""

__version__ = "0.1.0"
