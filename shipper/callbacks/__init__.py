"""For frameworks that make their calls themselves: what they tell of each is logged. One module for each framework."""
