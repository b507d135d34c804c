//! Statement rows against journal rows.
