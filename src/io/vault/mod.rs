//! Keys, sealing, PIN hashes, random numbers.
