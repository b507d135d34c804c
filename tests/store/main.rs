//! The store under the real writer and the real vault: what is kept, what is refused, what is found when it was tampered with.

#[allow(dead_code, clippy::unwrap_used)]
#[path = "../kills/chance.rs"]
mod chance;
mod door;
mod keeping;
mod keys;
mod last_word;
mod laws;
mod mutations;
mod proof;
mod syncs;
mod tampering;
mod till;
