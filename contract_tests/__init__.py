"""The contract suite: black box over HTTP, against the mock or any other target."""
