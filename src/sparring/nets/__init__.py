"""Networks, built of torch alone: they know nothing of methods, data or training."""
