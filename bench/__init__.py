"""Speed, measured as ratios inside one run: ``python -m bench``. Nothing here passes or fails."""
