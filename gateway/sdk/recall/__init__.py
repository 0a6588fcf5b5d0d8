"""Recalls on the researcher's machine: whom to believe, what to take away, what to answer.

``feed`` and ``keys`` decide purely, ``purge`` alone deletes, ``sync`` puts them together; docs/reference/recall.md.
"""
