"""gateway moves bytes and speaks HTTP. Importing it loads nothing: gateway.sdk must stay light."""

__version__ = "0.1.0"
