"""Pictures that lie inside other files: read by ranges, a few, chosen evenly; nothing is ever unpacked as a whole.

Readers are pure: a Source in, pictures out. They run in a process of their own (faceguard.opener).
"""
