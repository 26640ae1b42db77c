"""The report: figures, results.json and one HTML page, made from run folders alone."""
