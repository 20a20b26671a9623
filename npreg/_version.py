"""The version, where anybody may ask for it without opening the package's front door."""

__version__ = "0.1.0"
