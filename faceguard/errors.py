"""The one exception inside faceguard; it never leaves ``safe_preview``."""

from faceguard.result import Why


class Unsafe(Exception):
    """This picture cannot be made safe; ``why`` is what the caller will be told."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why
