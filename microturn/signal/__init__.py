"""Waveforms, images and text to numbers and back; no learned weights except the vocoder."""
