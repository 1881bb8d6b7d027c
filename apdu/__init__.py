"""The language between host and card: codecs for APDUs, and nothing else."""
