"""What a run of the contract suite needs. Knows the document only by its own eyes.

Nothing here may import `mockkie.contract` or anything above it: what one misreads, the other
must not agree upon. Needs the extra `mockkie[check]`.
"""
