INSERT INTO journal (seq, at, business_date, event, payment_id, effect, amount, cashier, device, method,
    sale_count, sale_amount, refund_count, refund_amount, void_count, void_amount, voucher_count, voucher_amount, bytes, link, hmac)
VALUES (1, 0, '2026-11-20', 'payment_made', 1, 'sale', 1200, '1001', 'POS1', 'cash', 1, 1200, 0, 0, 0, 0, 0, 0, x'0102', zeroblob(32), zeroblob(32));
INSERT INTO payment (id, request_id, kind, effect, method, device, cashier, business_date, amount, state, counted, slot, row, body)
VALUES (1, 'r1', 'sale', 'sale', 'cash', 'POS1', '1001', '2026-11-20', 1200, 'approved', 1, 'cash', 1, x'0102');
