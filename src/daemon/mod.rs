//! Wires io to core: configuration, start-up, lanes, spool, shutdown.
