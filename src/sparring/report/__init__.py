"""The report: figures, results.json and one HTML page, made from run folders alone."""

from sparring.report.page import build

__all__ = ["build"]
