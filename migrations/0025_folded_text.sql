ALTER TABLE `categories` ADD `name_key` text;--> statement-breakpoint
ALTER TABLE `categories` ADD `name_words` text;--> statement-breakpoint
CREATE UNIQUE INDEX `categories_name_key` ON `categories` (`name_key`);--> statement-breakpoint
ALTER TABLE `products` ADD `title_words` text;--> statement-breakpoint
ALTER TABLE `products` ADD `description_words` text;--> statement-breakpoint
ALTER TABLE `products` ADD `sku_key` text;--> statement-breakpoint
ALTER TABLE `products` ADD `title_key` text;--> statement-breakpoint
ALTER TABLE `products` ADD `folded` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `products_sku_key` ON `products` (`sku_key`);--> statement-breakpoint
CREATE INDEX `products_unfolded` ON `products` (`id`) WHERE folded = 0;--> statement-breakpoint
ALTER TABLE `stores` ADD `name_key` text;--> statement-breakpoint
CREATE UNIQUE INDEX `stores_name_key` ON `stores` (`name_key`);--> statement-breakpoint
-- SQLite folds only A to Z, so the Worker writes beside each text what is searched, compared and sorted of it. Of what was
-- there before, each minute folds a part (src/catalog/search/fold-rows.ts); until then the index has its text as it was,
-- by the coalesce of these views. The sku stands with the description: it counts least.
DROP VIEW product_texts;
--> statement-breakpoint
CREATE VIEW product_texts AS
SELECT documents.id, documents.product_id, documents.category_id, coalesce(products.title_words, products.title) AS title,
  coalesce(categories.name_words, categories.name, '') AS category,
  coalesce(products.description_words, products.description) || ' ' || coalesce(products.sku_key, '') AS description,
  substr(documents.category_id, 5) AS shelf
FROM product_documents AS documents
JOIN products ON products.id = documents.product_id
LEFT JOIN categories ON categories.id = documents.category_id;
--> statement-breakpoint
DROP VIEW product_title_words;
--> statement-breakpoint
CREATE VIEW product_title_words AS
SELECT DISTINCT products.id AS product_id, words.value AS word
FROM products, json_each('[' || replace(replace(replace(replace(replace(replace(
  json_quote(coalesce(products.title_words, lower(products.title))), '-', ' '), '/', ' '), ',', ' '), '(', ' '), ')', ' '), ' ', '","') || ']') AS words
WHERE length(words.value) BETWEEN 3 AND 40 AND words.value NOT GLOB '*[0-9]*';
--> statement-breakpoint
DROP TRIGGER products_reworded;
--> statement-breakpoint
-- Reads the row again: another trigger may have changed it since.
CREATE TRIGGER products_reworded AFTER UPDATE OF title, description, category_id, title_words, description_words, sku_key ON products
WHEN OLD.active = 1 AND NEW.active = 1 AND (NEW.category_id <> OLD.category_id
  OR coalesce(NEW.title_words, NEW.title) <> coalesce(OLD.title_words, OLD.title)
  OR coalesce(NEW.description_words, NEW.description) <> coalesce(OLD.description_words, OLD.description)
  OR NEW.sku_key IS NOT OLD.sku_key) BEGIN
  DELETE FROM product_index WHERE rowid = (SELECT id FROM product_documents WHERE product_id = NEW.id);
  INSERT INTO product_index (rowid, title, category, description, shelf)
    SELECT documents.id, texts.title, coalesce((SELECT coalesce(name_words, name) FROM categories WHERE id = NEW.category_id), ''),
      texts.description, substr(NEW.category_id, 5)
    FROM product_documents AS documents JOIN product_texts AS texts ON texts.id = documents.id
    WHERE documents.product_id = NEW.id;
  INSERT INTO title_words (word)
    SELECT word FROM product_title_words AS said WHERE product_id = NEW.id
      AND NOT EXISTS (SELECT 1 FROM title_words WHERE title_words.word = said.word);
END;
--> statement-breakpoint
-- Whoever changes a text and not what is written beside it leaves it to be folded again.
CREATE TRIGGER products_left_unfolded AFTER UPDATE OF title, description, sku ON products
WHEN NEW.folded = 1 AND OLD.folded = 1 AND ((NEW.title <> OLD.title AND NEW.title_key IS OLD.title_key AND NEW.title_words IS OLD.title_words)
  OR (NEW.description <> OLD.description AND NEW.description_words IS OLD.description_words AND NEW.description_words IS NOT NULL)
  OR (NEW.sku <> OLD.sku AND NEW.sku_key IS OLD.sku_key)) BEGIN
  UPDATE products SET title_words = NULL, description_words = NULL, sku_key = NULL, title_key = NULL, folded = 0 WHERE id = NEW.id;
END;
--> statement-breakpoint
DROP TRIGGER categories_renamed;
--> statement-breakpoint
CREATE TRIGGER categories_renamed AFTER UPDATE OF name, name_words ON categories
WHEN coalesce(NEW.name_words, NEW.name) <> coalesce(OLD.name_words, OLD.name) BEGIN
  DELETE FROM product_index WHERE rowid IN (SELECT id FROM product_documents WHERE category_id = NEW.id);
  INSERT INTO product_index (rowid, title, category, description, shelf)
    SELECT id, title, category, description, shelf FROM product_texts WHERE category_id = NEW.id;
END;
--> statement-breakpoint
DROP TRIGGER stock_levels_inserted;
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
    sort_title = (SELECT coalesce(p.title_key, lower(p.title)) FROM products AS p WHERE p.id = NEW.product_id AND p.active = 1)
  WHERE product_id = NEW.product_id AND store_id = NEW.store_id
    AND EXISTS (SELECT 1 FROM products AS p WHERE p.id = NEW.product_id);
END;
--> statement-breakpoint
DROP TRIGGER products_stock_changed;
--> statement-breakpoint
CREATE TRIGGER products_stock_changed AFTER UPDATE OF title, title_key, low_stock_threshold, active ON products
WHEN coalesce(NEW.title_key, lower(NEW.title)) <> coalesce(OLD.title_key, lower(OLD.title)) OR NEW.low_stock_threshold <> OLD.low_stock_threshold OR NEW.active <> OLD.active
BEGIN
  UPDATE stock_levels SET sort_title = CASE WHEN NEW.active = 0 THEN NULL ELSE coalesce(NEW.title_key, lower(NEW.title)) END
  WHERE product_id = NEW.id AND sort_title IS NOT CASE WHEN NEW.active = 0 THEN NULL ELSE coalesce(NEW.title_key, lower(NEW.title)) END;
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
