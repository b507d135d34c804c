//! Codecs of printers, readers and scanners: bytes in, typed events out.
