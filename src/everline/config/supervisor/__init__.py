"""Runs Everline on one machine: embedded PostgreSQL, child processes, and the loop that keeps them alive.

This package must stay cheap to import and free of Django, because `wsgi.py` and the settings import parts
of it first.
"""
