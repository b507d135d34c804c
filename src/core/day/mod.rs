//! The business day: shifts, drawers, the cut, the ladder of batches.
