"""An open full-duplex interaction model: 200 ms in, 200 ms out."""

__version__ = "0.1.0"
