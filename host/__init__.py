"""The computer's side of a token."""
