"""The report for planners: one HTML page in two languages that needs no network, no script and no second file.

>>> from sim.report import write_report
>>> write_report("results/rent-cut-1a2b3c4d")  # doctest: +SKIP
"""

from sim.report.build import page_of, write_report

__all__ = ["page_of", "write_report"]
