"""Test sets, metrics and reports."""
