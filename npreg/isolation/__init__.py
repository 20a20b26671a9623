"""Somebody's file in a process of its own."""
