"""The parts of pages that are made from the code: `python -m docs.pages` writes them anew."""
