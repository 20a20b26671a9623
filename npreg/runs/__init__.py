"""What stands behind `train`."""
