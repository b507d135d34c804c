//! One thread a serial port: open, watch, reopen by its stable name.
