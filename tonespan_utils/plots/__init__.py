"""An axis in, artists out; knows colours and units, and no study.

May import: params, statistics, tone, audio, hub and below.
"""
