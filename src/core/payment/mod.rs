//! One payment's life: decide and apply.
