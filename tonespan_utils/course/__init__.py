"""The course: the exercises of each lesson, the checks that answer with a hint, student and teacher versions.

Whoever imports it, as every lesson does, calculates with one thread (:mod:`.one_thread`).

May import: alignment, instrument and below.
"""

from tonespan_utils.course import one_thread

one_thread.limit()
