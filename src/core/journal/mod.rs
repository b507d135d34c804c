//! The journal: versioned events, canonical bytes, the chain.
