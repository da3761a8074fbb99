"""Yingda (应答): a support desk for digital wallets on which no customer goes unanswered."""

__version__ = "0.1.0"
