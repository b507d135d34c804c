-- 0005: a business day is a range of journal rows, and a payment's number is its first row's: the table of days says where a day begins and ends.
-- Two indexes that repeated this cost every sale two pages of writing.
DROP INDEX journal_effect;
DROP INDEX payment_day;
