"""What people would use instead, each doing the same work beside ours in one run.

What stands in `others/` is run by the Python of a folder of its own (`make compare`), since none of
it is anything that we depend on: it prints one JSON object.
"""
