"""The exact reference."""
