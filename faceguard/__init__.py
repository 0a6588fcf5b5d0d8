"""faceguard turns a picture into a safe picture or refuses; it detects faces and never identifies anyone."""

from faceguard.result import Blurred, Limits, Refused, Why

__all__ = ["Blurred", "Limits", "Refused", "Why"]
