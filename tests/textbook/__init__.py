"""The model a second time, as a textbook on Mesa would write it: one Python object a startup, a step a month.

It was written from docs/ODD.md and from nothing else. Of the package it uses the scenario (parameters and levers as
plain values), the tables of the world with their cells, and the addressed draws; a test holds that. It is slow and
plain on purpose: what it computes is to be read beside the equations, whose numbers stand at each method.
"""
