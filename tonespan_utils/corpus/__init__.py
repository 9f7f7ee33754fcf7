"""Speech as utterances and tone tokens, from files of several layouts; ``synthetic`` makes such files.

May import: params, statistics, tone, audio, hub and below.
"""
