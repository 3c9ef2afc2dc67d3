-- Keeps what is counted of stock true to its levels, whoever writes them: reports, reconciliation, a person by hand.
-- The state of a count is `archived` where its product is, else `out` at 0, else `low` at or below the product's
-- threshold, else `healthy`: SQLite has no functions of one's own, so that stands wherever one is told.
-- src/inventory/recount.ts says the same of whole tables; test/inventory/counters.test.ts compares the two.

UPDATE stock_levels SET
  state = coalesce((
    SELECT CASE WHEN p.active = 0 THEN 'archived' WHEN stock_levels.available <= 0 THEN 'out'
                WHEN stock_levels.available <= p.low_stock_threshold THEN 'low' ELSE 'healthy' END
    FROM products AS p WHERE p.id = stock_levels.product_id), 'archived'),
  sort_title = (SELECT lower(p.title) FROM products AS p WHERE p.id = stock_levels.product_id AND p.active = 1);
--> statement-breakpoint
INSERT INTO product_stock (product_id, on_hand, reserved, available, stores, state, updated_at)
SELECT id, on_hand, reserved, available, stores,
  CASE WHEN active = 0 THEN 'archived' WHEN available <= 0 THEN 'out'
       WHEN available <= low_stock_threshold THEN 'low' ELSE 'healthy' END, updated_at
FROM (
  SELECT p.id, p.active, p.low_stock_threshold, coalesce(sum(l.on_hand), 0) AS on_hand,
    coalesce(sum(l.reserved), 0) AS reserved, coalesce(sum(l.available), 0) AS available,
    count(l.store_id) AS stores, coalesce(max(l.updated_at), p.created_at) AS updated_at
  FROM products AS p LEFT JOIN stock_levels AS l ON l.product_id = p.id GROUP BY p.id);
--> statement-breakpoint
INSERT INTO store_stock (store_id, levels, products, units, available, low_stock, out_of_stock)
SELECT store_id, count(*), sum(state <> 'archived'), sum(on_hand * (state <> 'archived')),
  sum(available * (state <> 'archived')), sum(state = 'low'), sum(state = 'out')
FROM stock_levels GROUP BY store_id;
--> statement-breakpoint
INSERT INTO stock_states (state, products) SELECT state, count(*) FROM product_stock GROUP BY state;
--> statement-breakpoint
INSERT INTO low_stock (product_id, since, told)
SELECT product_id, updated_at, 0 FROM product_stock WHERE stores > 0 AND (state = 'low' OR state = 'out');
--> statement-breakpoint
CREATE TRIGGER stock_levels_inserted AFTER INSERT ON stock_levels BEGIN
  INSERT INTO store_stock (store_id, levels, products, units, available, low_stock, out_of_stock)
  VALUES (NEW.store_id, 1, NEW.state <> 'archived', NEW.on_hand * (NEW.state <> 'archived'),
    NEW.available * (NEW.state <> 'archived'), NEW.state = 'low', NEW.state = 'out')
  ON CONFLICT (store_id) DO UPDATE SET levels = levels + excluded.levels, products = products + excluded.products,
    units = units + excluded.units, available = available + excluded.available,
    low_stock = low_stock + excluded.low_stock, out_of_stock = out_of_stock + excluded.out_of_stock;
  UPDATE product_stock SET on_hand = on_hand + NEW.on_hand, reserved = reserved + NEW.reserved,
    available = available + NEW.available, stores = stores + 1, updated_at = max(updated_at, NEW.updated_at),
    state = coalesce((SELECT CASE WHEN p.active = 0 THEN 'archived' WHEN product_stock.available + NEW.available <= 0 THEN 'out'
                         WHEN product_stock.available + NEW.available <= p.low_stock_threshold THEN 'low'
                         ELSE 'healthy' END
             FROM products AS p WHERE p.id = NEW.product_id), 'archived')
  WHERE product_id = NEW.product_id;
  UPDATE stock_levels SET
    state = (SELECT CASE WHEN p.active = 0 THEN 'archived' WHEN NEW.available <= 0 THEN 'out'
                         WHEN NEW.available <= p.low_stock_threshold THEN 'low' ELSE 'healthy' END
             FROM products AS p WHERE p.id = NEW.product_id),
    sort_title = (SELECT lower(p.title) FROM products AS p WHERE p.id = NEW.product_id AND p.active = 1)
  WHERE product_id = NEW.product_id AND store_id = NEW.store_id
    AND EXISTS (SELECT 1 FROM products AS p WHERE p.id = NEW.product_id);
END;
--> statement-breakpoint
CREATE TRIGGER stock_levels_changed AFTER UPDATE OF on_hand, reserved, available, state ON stock_levels
WHEN NEW.on_hand <> OLD.on_hand OR NEW.reserved <> OLD.reserved OR NEW.available <> OLD.available
  OR NEW.state <> OLD.state
BEGIN
  UPDATE store_stock SET products = products + (NEW.state <> 'archived') - (OLD.state <> 'archived'),
    units = units + NEW.on_hand * (NEW.state <> 'archived') - OLD.on_hand * (OLD.state <> 'archived'),
    available = available + NEW.available * (NEW.state <> 'archived') - OLD.available * (OLD.state <> 'archived'),
    low_stock = low_stock + (NEW.state = 'low') - (OLD.state = 'low'),
    out_of_stock = out_of_stock + (NEW.state = 'out') - (OLD.state = 'out')
  WHERE store_id = NEW.store_id;
  UPDATE product_stock SET on_hand = on_hand + NEW.on_hand - OLD.on_hand,
    reserved = reserved + NEW.reserved - OLD.reserved, available = available + NEW.available - OLD.available,
    updated_at = max(updated_at, NEW.updated_at),
    state = coalesce((SELECT CASE WHEN p.active = 0 THEN 'archived'
                         WHEN product_stock.available + NEW.available - OLD.available <= 0 THEN 'out'
                         WHEN product_stock.available + NEW.available - OLD.available <= p.low_stock_threshold THEN 'low'
                         ELSE 'healthy' END
             FROM products AS p WHERE p.id = NEW.product_id), 'archived')
  WHERE product_id = NEW.product_id
    AND (NEW.on_hand <> OLD.on_hand OR NEW.reserved <> OLD.reserved OR NEW.available <> OLD.available);
END;
--> statement-breakpoint
-- By itself: a trigger does not start itself again, and the one above must hear of the state that this one sets.
CREATE TRIGGER stock_levels_judged AFTER UPDATE OF available ON stock_levels WHEN NEW.available <> OLD.available BEGIN
  UPDATE stock_levels SET
    state = (SELECT CASE WHEN p.active = 0 THEN 'archived' WHEN NEW.available <= 0 THEN 'out'
                         WHEN NEW.available <= p.low_stock_threshold THEN 'low' ELSE 'healthy' END
             FROM products AS p WHERE p.id = NEW.product_id)
  WHERE product_id = NEW.product_id AND store_id = NEW.store_id AND state <> (
    SELECT CASE WHEN p.active = 0 THEN 'archived' WHEN NEW.available <= 0 THEN 'out'
                WHEN NEW.available <= p.low_stock_threshold THEN 'low' ELSE 'healthy' END
    FROM products AS p WHERE p.id = NEW.product_id);
END;
--> statement-breakpoint
CREATE TRIGGER stock_levels_deleted AFTER DELETE ON stock_levels BEGIN
  UPDATE store_stock SET levels = levels - 1, products = products - (OLD.state <> 'archived'),
    units = units - OLD.on_hand * (OLD.state <> 'archived'),
    available = available - OLD.available * (OLD.state <> 'archived'),
    low_stock = low_stock - (OLD.state = 'low'), out_of_stock = out_of_stock - (OLD.state = 'out')
  WHERE store_id = OLD.store_id;
  UPDATE product_stock SET on_hand = on_hand - OLD.on_hand, reserved = reserved - OLD.reserved,
    available = available - OLD.available, stores = stores - 1,
    state = coalesce((SELECT CASE WHEN p.active = 0 THEN 'archived' WHEN product_stock.available - OLD.available <= 0 THEN 'out'
                         WHEN product_stock.available - OLD.available <= p.low_stock_threshold THEN 'low'
                         ELSE 'healthy' END
             FROM products AS p WHERE p.id = OLD.product_id), 'archived')
  WHERE product_id = OLD.product_id;
END;
--> statement-breakpoint
CREATE TRIGGER products_stock_inserted AFTER INSERT ON products BEGIN
  INSERT INTO product_stock (product_id, on_hand, reserved, available, stores, state, updated_at)
  VALUES (NEW.id, 0, 0, 0, 0, CASE WHEN NEW.active = 0 THEN 'archived' ELSE 'out' END, NEW.created_at)
  ON CONFLICT (product_id) DO NOTHING;
END;
--> statement-breakpoint
-- A threshold that is raised over what there is, and a return to sale, are falls like any other: see src/inventory/note-falls.ts.
CREATE TRIGGER products_stock_changed AFTER UPDATE OF title, low_stock_threshold, active ON products
WHEN NEW.title <> OLD.title OR NEW.low_stock_threshold <> OLD.low_stock_threshold OR NEW.active <> OLD.active
BEGIN
  UPDATE stock_levels SET sort_title = CASE WHEN NEW.active = 0 THEN NULL ELSE lower(NEW.title) END
  WHERE product_id = NEW.id AND sort_title IS NOT CASE WHEN NEW.active = 0 THEN NULL ELSE lower(NEW.title) END;
  UPDATE stock_levels SET
    state = CASE WHEN NEW.active = 0 THEN 'archived' WHEN available <= 0 THEN 'out'
                 WHEN available <= NEW.low_stock_threshold THEN 'low' ELSE 'healthy' END
  WHERE product_id = NEW.id AND state <> CASE WHEN NEW.active = 0 THEN 'archived' WHEN available <= 0 THEN 'out'
    WHEN available <= NEW.low_stock_threshold THEN 'low' ELSE 'healthy' END;
  UPDATE product_stock SET
    state = CASE WHEN NEW.active = 0 THEN 'archived' WHEN available <= 0 THEN 'out'
                 WHEN available <= NEW.low_stock_threshold THEN 'low' ELSE 'healthy' END
  WHERE product_id = NEW.id AND state <> CASE WHEN NEW.active = 0 THEN 'archived' WHEN available <= 0 THEN 'out'
    WHEN available <= NEW.low_stock_threshold THEN 'low' ELSE 'healthy' END;
  DELETE FROM low_stock WHERE product_id = NEW.id AND EXISTS (
    SELECT 1 FROM product_stock AS s WHERE s.product_id = NEW.id
      AND (s.state = 'archived' OR (s.state = 'healthy' AND low_stock.told = 1)));
  INSERT INTO low_stock (product_id, since, told)
  SELECT s.product_id, NEW.updated_at, 0 FROM product_stock AS s
  WHERE s.product_id = NEW.id AND s.stores > 0 AND (s.state = 'low' OR s.state = 'out')
  ON CONFLICT (product_id) DO NOTHING;
END;
--> statement-breakpoint
CREATE TRIGGER product_stock_inserted AFTER INSERT ON product_stock BEGIN
  INSERT INTO stock_states (state, products) VALUES (NEW.state, 1)
  ON CONFLICT (state) DO UPDATE SET products = products + 1;
END;
--> statement-breakpoint
CREATE TRIGGER product_stock_changed AFTER UPDATE OF state ON product_stock WHEN NEW.state <> OLD.state BEGIN
  UPDATE stock_states SET products = products - 1 WHERE state = OLD.state;
  INSERT INTO stock_states (state, products) VALUES (NEW.state, 1)
  ON CONFLICT (state) DO UPDATE SET products = products + 1;
END;
