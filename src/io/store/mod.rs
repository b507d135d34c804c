//! SQLite: the one writer, readers, migrations.
