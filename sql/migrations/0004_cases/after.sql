-- Every row is a complaint.
SELECT 'table ' || name || ' is not STRICT'
FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite\_%' ESCAPE '\';

SELECT 'table ' || column1 || ' is missing'
FROM (VALUES ('suspense_case'), ('awaited'))
WHERE column1 NOT IN (SELECT name FROM sqlite_schema WHERE type = 'table');

SELECT 'a case can be deleted'
WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'suspense_case' AND sql LIKE '%BEFORE DELETE%');

SELECT 'the statement of before is gone' WHERE NOT EXISTS (SELECT 1 FROM statement WHERE id = 1 AND matched = 2);
SELECT 'its day is gone' WHERE NOT EXISTS (SELECT 1 FROM statement_day WHERE statement = 1 AND day = '2026-11-20');
