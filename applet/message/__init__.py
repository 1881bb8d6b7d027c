"""Messages that the chip understands: it hashes them as they came, and shows what they say.

Rooms: ``registry`` (which format a message has), a module for each format (``order``,
``tradedata``, ``tdm``, ``label``), ``shown`` (what comes of them), ``text`` (what a text may
consist of) and ``xml`` (as much of XML as banks send to keys). All of it is pure: bytes in, a
statement out, MessageError otherwise.
"""
