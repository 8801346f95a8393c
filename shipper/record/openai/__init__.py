"""Readers of OpenAI's APIs: requests and responses into one form, streams into the answer they add up to."""
