INSERT INTO statement (id, hash, format, name, lines, spoiled, imported_at, matched, long, short, differs, timing)
VALUES (1, zeroblob(32), 'tilld-acquirer', 'before.csv', 3, 0, 0, 2, 0, 0, 0, 0);
INSERT INTO statement_day (statement, day) VALUES (1, '2026-11-20');
