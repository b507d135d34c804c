//! The messages by which the outside meets the core.
