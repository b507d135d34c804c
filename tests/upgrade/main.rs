//! Stores that older tillds wrote, opened by this one: migrated, verified, and the day goes on. One folder a release in `released/`, made by that
//! release's own program (`make.py`), with a data key that is only a test's.
#![allow(clippy::unwrap_used, clippy::panic)]

#[allow(dead_code)]
#[path = "../store/till.rs"]
mod till;

mod folds;
mod released;
