"""Where history comes from: files of any kind, packed or not, row by row."""
