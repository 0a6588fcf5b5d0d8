"""What our server offers an application beyond ASGI; zerocopy.py does it.

In ``scope["extensions"]``: ``hubgate.connection``, the connection (see connection.py). As messages:
``http.response.zerocopysend`` as the ASGI specification has it, and ``hubgate.whole``, with `status`, `headers` (no
Content-Length) and all of the `body`, which leave together; `length` says what Content-Length tells where the body
stays away: HEAD, or None for an answer that has none. An application that puts bytes under ``hubgate.reason`` has them
sent as the words of the status line.
"""

EXTENSION = "hubgate.connection"
ZERO_COPY = "http.response.zerocopysend"
WHOLE = "hubgate.whole"
REASON = "hubgate.reason"
# Below this size reading and writing costs less than a system call of its own for the body.
COPY_BELOW = 64 * 1024
