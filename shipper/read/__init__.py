"""Questions to the store, and what people see of the answers."""
