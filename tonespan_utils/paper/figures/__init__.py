"""The figures of the paper from stored tables, a file a question."""
