"""Where batches go: each sink takes prepared documents and says what became of every one."""
