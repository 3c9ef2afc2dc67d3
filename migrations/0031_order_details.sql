-- A change of an order's address is one of its details now.
UPDATE order_history SET kind = 'details' WHERE kind = 'address';
