"""Dialects that other people's clients speak. Each is thin: it names an item, adds its headers, words its refusals.

The decision is catalog/policy/access.py's, the bytes and the ledger are api/downloads.py's; no dialect has its own.
"""
