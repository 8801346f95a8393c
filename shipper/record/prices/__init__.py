"""What tokens cost: genai-prices' lists, compiled once for each model, and discounts that they know too late."""
