"""The adviser (R17-R27): which way fits this question best, and why.

Pure: a situation in, ranked kinds with their arithmetic out. Nothing here knows what a channel
costs, or which one suits the organisation (R6), and nothing is hidden: whoever asks may take any.
"""
