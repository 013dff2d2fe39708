"""The mechanisms of the model, one file each. No process imports another; ``model.py`` calls them in order."""
