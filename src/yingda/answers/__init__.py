"""Understand a message, decide, answer or hand over. What a customer is told is always an article's own text."""
