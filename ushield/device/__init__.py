"""The key's body: its non-volatile memory in one file. Display, buttons and faults come later."""
