"""Calibration: what the model is fitted to, which parameters then remain, and what they say of facts kept out of it.

Fitting (``matching``, ``smc``, ``calibrate``) reads a world's targets.toml; its holdouts.toml is read by ``holdouts`` alone,
which no fitting module imports.
"""
