"""Numbers about trained networks: they know tensors and arrays, never training or reports."""
