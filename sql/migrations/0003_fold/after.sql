-- Every row is a complaint.
SELECT 'the fold is not noted' WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'fold' AND value = '1');
SELECT 'the probe of before is gone' WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'probe' AND value = '7');
