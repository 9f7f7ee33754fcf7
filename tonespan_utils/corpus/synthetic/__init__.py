"""The embedded calibration corpus: text by spellers, voices by eSpeak NG, pitch by Praat, a planted cue width."""
