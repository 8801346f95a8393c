"""The formats that history comes in: one module each, all with a `FORMAT`."""
