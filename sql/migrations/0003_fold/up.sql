-- 0003: which fold made the look-ups and snapshots. What was written before there was such a number is fold 1.
INSERT INTO meta (name, value) VALUES ('fold', '1');
