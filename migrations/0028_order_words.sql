CREATE TABLE `order_words` (
	`word` text NOT NULL,
	`order_id` text NOT NULL,
	PRIMARY KEY(`word`, `order_id`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `orders` ADD `customer_words` text;--> statement-breakpoint
CREATE INDEX `orders_unworded` ON `orders` (`id`) WHERE customer_words IS NULL;--> statement-breakpoint
-- Words are letters, digits and a plus, so they can be put between quotes.
CREATE TRIGGER orders_worded AFTER INSERT ON orders WHEN NEW.customer_words <> '' BEGIN
  INSERT OR IGNORE INTO order_words (word, order_id)
    SELECT value, NEW.id FROM json_each('["' || replace(NEW.customer_words, ' ', '","') || '"]');
END;
--> statement-breakpoint
CREATE TRIGGER orders_reworded AFTER UPDATE OF customer_words ON orders WHEN NEW.customer_words IS NOT OLD.customer_words BEGIN
  DELETE FROM order_words WHERE order_id = NEW.id
    AND word IN (SELECT value FROM json_each('["' || replace(coalesce(OLD.customer_words, ''), ' ', '","') || '"]'));
  INSERT OR IGNORE INTO order_words (word, order_id)
    SELECT value, NEW.id FROM json_each('["' || replace(coalesce(NEW.customer_words, ''), ' ', '","') || '"]') WHERE value <> '';
END;
--> statement-breakpoint
-- Whoever changes a customer and not their words leaves them to be written again.
CREATE TRIGGER orders_left_unworded AFTER UPDATE OF customer ON orders
WHEN NEW.customer <> OLD.customer AND NEW.customer_words IS OLD.customer_words BEGIN
  UPDATE orders SET customer_words = NULL WHERE id = NEW.id;
END;
