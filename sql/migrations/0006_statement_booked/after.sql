-- Every row is a complaint.
SELECT 'table ' || name || ' is not STRICT'
FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite\_%' ESCAPE '\';

SELECT 'the table is missing'
WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'statement_booked');

SELECT 'what a statement has can be deleted'
WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'statement_booked' AND sql LIKE '%BEFORE DELETE%');

SELECT 'the statement of before is gone' WHERE NOT EXISTS (SELECT 1 FROM statement WHERE id = 1 AND matched = 2);
SELECT 'it has payments' WHERE EXISTS (SELECT 1 FROM statement_booked);
