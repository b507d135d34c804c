//! Acquirer connections over TCP.
