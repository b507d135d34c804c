-- 0007: the refunds of a sale that was made elsewhere are added up, however old they are. They are looked for among the refunds, which are few; a sale
-- writes no page more for it.
CREATE INDEX payment_refund ON payment (id) WHERE kind = 'refund';
