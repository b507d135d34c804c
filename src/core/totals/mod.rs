//! Folding events into totals, and the cross-foot that proves them.
