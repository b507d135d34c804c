//! A store's day, played over the real paths: the only place that sees daemon and sim together.
