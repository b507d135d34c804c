INSERT INTO payment (id, request_id, kind, effect, method, device, cashier, business_date, amount, state, counted, slot, row, body)
VALUES (1, 'before', 'sale', 'sale', 'cash', 'POS1', '1001', '2026-11-20', 100, 'approved', 1, 'cash', 1, x'0001'),
       (2, 'back', 'refund', 'refund', 'cash', 'POS1', '1001', '2026-11-20', 40, 'approved', 1, 'cash', 2, x'0001');
