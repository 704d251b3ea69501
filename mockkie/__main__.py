"""`python -m mockkie`."""

from mockkie.cli import main

main(prog_name="mockkie")
