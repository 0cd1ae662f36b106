//! Who asks: virtual keys, kept only as hashes.
