"""What the command line itself has to say about what it was given."""


class Complaint(Exception):
    """One line: what is wrong, and what to do about it. `code` is the exit code."""

    def __init__(self, line: str, code: int = 1) -> None:
        super().__init__(line)
        self.code = code
