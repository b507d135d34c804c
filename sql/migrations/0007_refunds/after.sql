-- Every row is a complaint.
SELECT 'the index of refunds is missing' WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'payment_refund');

SELECT 'the refund of before is not found by it'
WHERE NOT EXISTS (SELECT 1 FROM payment INDEXED BY payment_refund WHERE kind = 'refund' AND id = 2 AND amount = 40);

SELECT 'the sale of before is gone' WHERE NOT EXISTS (SELECT 1 FROM payment WHERE id = 1 AND amount = 100);
