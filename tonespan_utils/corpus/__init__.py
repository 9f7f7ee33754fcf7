"""Files on a disk to utterances and tone tokens, whatever their layout; ``synthetic`` makes such files.

May import: params, statistics, tone, audio, hub and below.
"""
