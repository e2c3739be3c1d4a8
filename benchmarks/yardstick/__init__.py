"""The smallest thing that does the same sort of work: three inserts, an empty task."""
