"""What grading writes."""
