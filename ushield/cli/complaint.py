"""What the command line itself has to say about what it was given."""


class Complaint(Exception):
    """One line: what is wrong, and what to do about it."""
