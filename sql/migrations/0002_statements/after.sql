-- Every row is a complaint.
SELECT 'table ' || name || ' is not STRICT'
FROM pragma_table_list
WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite\_%' ESCAPE '\';

SELECT 'table ' || column1 || ' is missing'
FROM (VALUES ('statement'), ('statement_day'))
WHERE column1 NOT IN (SELECT name FROM sqlite_schema WHERE type = 'table');

SELECT 'table ' || column1 || ' can be deleted from'
FROM (VALUES ('journal'), ('payment'), ('batch'), ('day'), ('statement'), ('statement_day'))
WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = column1 AND sql LIKE '%BEFORE DELETE%');

SELECT 'the payment of before is gone' WHERE NOT EXISTS (SELECT 1 FROM payment WHERE id = 1 AND amount = 1200);
SELECT 'its journal row is gone' WHERE NOT EXISTS (SELECT 1 FROM journal WHERE seq = 1 AND amount = 1200);
