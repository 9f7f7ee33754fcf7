"""Train the shipped encoder ``tonespan-mini`` without labels: masked regression of sound and pitch.

Objective. Spans of projected frames are replaced by a learned vector, as in wav2vec 2.0 (Baevski et al. 2020), and the
encoder regresses, at every frame, what was computed from the clean signal, as HuBERT (Hsu et al. 2021) predicts
targets under a mask and PASE (Pascual et al. 2019) regresses signal features with small heads. The usual MFCC
targets throw pitch away, so these keep it:

- ``mel``: log-Mel energies of the frame (40 bands, one 40 ms window),
- ``periodicity``: the normalised autocorrelation of the same window at 48 lags, equally spaced in log frequency,
- ``units``: which cluster the frame's sound falls into, as in HuBERT's first iteration (13 cepstra and their slopes,
  clustered by k-means); mean and deviation of the crop are taken out, so that voices share their units,
- ``pitch``: the log-F0 track within +-120 ms of the frame as 8 DCT coefficients, relative to the median of the crop; F0
  itself; voicing. The track is Praat's, joined through voiceless stretches, and counts where speech is voiced.

``mel``, ``periodicity`` and F0 are also regressed from the convolutional features alone, so that the convolutions find
pitch early. The heads are dropped afterwards. The +-120 ms of the pitch target are the one place where a time scale
enters.

Two stages. The first learns pitch. The second learns sounds: its units are finer, their spectra are fitted to each
voice first (vocal tract length normalisation), over a hundred more voices speak, and the convolutional front end
rests. No tone, text or speaker label is read; folder names only say which clips are of one voice.

Parts: :mod:`.banks` (speech), :mod:`.crops`, :mod:`.targets`, :mod:`.warps`, :mod:`.model` (encoder, heads, loss),
:mod:`.monitor`, :mod:`.training`. Command: python -m pretraining --help
"""
