"""The binder of the test lab: dialogues with a card, written from clauses of the standards.

``*.json`` hold the dialogues, ``schema.json`` is their JSON Schema, ``loader`` reads them into
frozen values, ``pattern`` is the small language of their commands and answers, ``run`` holds one
dialogue with a card, ``profile`` says for which token they are written, ``cipher`` is the one
computation that a dialogue may ask of the host. Nothing of ours is imported here.
"""
