"""Attacks on mockkie, and what they counted: `make reliability`, or `python -m reliability --help`.

Each attack is a module with `TITLE`, `ABOUT` (what is done and what must hold), `FOUND` (the bugs
that it found so far, each with what mended it) and `attack(run)`. They are listed in `attacks.py`.
"""
