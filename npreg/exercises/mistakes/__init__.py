"""What students do wrong, and the simplest that explains an answer."""
