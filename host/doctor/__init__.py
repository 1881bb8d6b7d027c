"""What a computer needs to use a token, checked one thing after the other.

A check looks at a `host.doctor.computer.Computer`, which is passed in, and says what it found and
how to mend it. ``examine`` makes all of them; ``software``, ``services`` and ``cards`` hold them.
``limit`` is for a computer whose service and cards may never answer.
"""
