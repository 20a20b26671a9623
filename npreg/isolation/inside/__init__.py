"""What runs inside the student's process, loaded by path: standard library and NumPy only, no reference."""
