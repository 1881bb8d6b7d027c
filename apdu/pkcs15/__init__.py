"""The files of a PKCS#15 token (ISO 7816-15): what they say, written as DER and read back."""
