-- Every row is a complaint.
SELECT 'index ' || name || ' is still there' FROM sqlite_schema WHERE type = 'index' AND name IN ('journal_effect', 'payment_day');
SELECT 'index ' || column1 || ' is gone too'
FROM (VALUES ('journal_payment'), ('payment_stan'), ('payment_open'))
WHERE column1 NOT IN (SELECT name FROM sqlite_schema WHERE type = 'index');

SELECT 'the payment of before is gone' WHERE NOT EXISTS (SELECT 1 FROM payment WHERE id = 1 AND amount = 100);
