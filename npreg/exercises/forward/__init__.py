"""A forward computation and its derivatives."""
