"""Train the shipped small encoders without labels: masked prediction of units, with or without a pitch teacher.

Objective. Stretches of 100 ms of projected frames are replaced by a learned vector, as in wav2vec 2.0 (Baevski et al.
2020), and the encoder predicts at every frame, hidden or not, which cluster the clean sound of the frame falls into
(HuBERT, Hsu et al. 2021). The input is filtered and noisy, the targets are not (as in WavLM, Chen et al. 2022).

- *First stage*: clusters of narrow-band spectra (:mod:`.spectra`). The usual MFCC throw pitch away; a window long
  enough to resolve harmonics keeps it among all else, and names it nowhere.
- *Second stage*: clusters of the encoder's own middle layer, as in HuBERT's second iteration; but it goes on from the
  weights of the first, to save time.
- *With a pitch teacher*: a third stage adds the contour of Praat's F0 track within +-40 ms (``narrow``) or +-200 ms
  (``wide``) of each frame (:mod:`.contour`): the one place where pitch and a time scale are taught. Known answers for
  whoever asks how far an encoder looks.

No tone, text or speaker label is read; folder names only say which clips are of one voice. The heads are dropped.

Parts: :mod:`.objectives` (which stages), :mod:`.banks` (speech), :mod:`.crops`, :mod:`.units`, :mod:`.model` (encoder,
heads, loss), :mod:`.monitor`, :mod:`.training`. Command: python -m pretraining --help
"""
