"""Runs the gates and tests in order, shows what they print, and ends with one line of counts."""
