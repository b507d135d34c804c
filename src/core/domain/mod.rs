//! The words: money, ids, dates, payment kinds and states.
