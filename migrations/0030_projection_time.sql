-- The projection's own time, which lists tell as as_of: each store's row has when the newest of its levels was told. The
-- triggers that keep the row write it along, so no row is written for it alone, but where a level was told again unchanged.

ALTER TABLE `store_stock` ADD `updated_at` integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
UPDATE store_stock SET updated_at = coalesce(
  (SELECT max(l.updated_at) FROM stock_levels AS l WHERE l.store_id = store_stock.store_id), 0);
--> statement-breakpoint
DROP TRIGGER stock_levels_inserted;
--> statement-breakpoint
CREATE TRIGGER stock_levels_inserted AFTER INSERT ON stock_levels BEGIN
  INSERT INTO store_stock (store_id, levels, products, units, available, low_stock, out_of_stock, updated_at)
  VALUES (NEW.store_id, 1, NEW.state <> 'archived', NEW.on_hand * (NEW.state <> 'archived'),
    NEW.available * (NEW.state <> 'archived'), NEW.state = 'low', NEW.state = 'out', NEW.updated_at)
  ON CONFLICT (store_id) DO UPDATE SET levels = levels + excluded.levels, products = products + excluded.products,
    units = units + excluded.units, available = available + excluded.available,
    low_stock = low_stock + excluded.low_stock, out_of_stock = out_of_stock + excluded.out_of_stock,
    updated_at = max(updated_at, excluded.updated_at);
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
    sort_title = (SELECT coalesce(p.title_key, lower(p.title)) FROM products AS p WHERE p.id = NEW.product_id AND p.active = 1)
  WHERE product_id = NEW.product_id AND store_id = NEW.store_id
    AND EXISTS (SELECT 1 FROM products AS p WHERE p.id = NEW.product_id);
END;
--> statement-breakpoint
DROP TRIGGER stock_levels_changed;
--> statement-breakpoint
CREATE TRIGGER stock_levels_changed AFTER UPDATE OF on_hand, reserved, available, state, updated_at ON stock_levels
WHEN NEW.on_hand <> OLD.on_hand OR NEW.reserved <> OLD.reserved OR NEW.available <> OLD.available
  OR NEW.state <> OLD.state OR NEW.updated_at > OLD.updated_at
BEGIN
  UPDATE store_stock SET products = products + (NEW.state <> 'archived') - (OLD.state <> 'archived'),
    units = units + NEW.on_hand * (NEW.state <> 'archived') - OLD.on_hand * (OLD.state <> 'archived'),
    available = available + NEW.available * (NEW.state <> 'archived') - OLD.available * (OLD.state <> 'archived'),
    low_stock = low_stock + (NEW.state = 'low') - (OLD.state = 'low'),
    out_of_stock = out_of_stock + (NEW.state = 'out') - (OLD.state = 'out'),
    updated_at = max(updated_at, NEW.updated_at)
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
