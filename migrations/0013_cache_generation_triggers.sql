INSERT INTO cache_generation (id, generation) VALUES (1, lower(hex(randomblob(16))));
--> statement-breakpoint
-- An update of a row that is there, since a trigger's INSERT OR … goes by what the writer's statement says of conflicts.
-- Whatever the public answers of the catalogue show: each change of it, by whatever hand, gives the cache a new generation.
CREATE TRIGGER cache_generation_product_added AFTER INSERT ON products BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
--> statement-breakpoint
CREATE TRIGGER cache_generation_product_changed AFTER UPDATE ON products BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
--> statement-breakpoint
CREATE TRIGGER cache_generation_product_removed AFTER DELETE ON products BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
--> statement-breakpoint
CREATE TRIGGER cache_generation_category_added AFTER INSERT ON categories BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
--> statement-breakpoint
CREATE TRIGGER cache_generation_category_changed AFTER UPDATE ON categories BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
--> statement-breakpoint
CREATE TRIGGER cache_generation_category_removed AFTER DELETE ON categories BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
--> statement-breakpoint
CREATE TRIGGER cache_generation_store_added AFTER INSERT ON stores BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
--> statement-breakpoint
CREATE TRIGGER cache_generation_store_changed AFTER UPDATE ON stores BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
--> statement-breakpoint
CREATE TRIGGER cache_generation_store_removed AFTER DELETE ON stores BEGIN
  UPDATE cache_generation SET generation = lower(hex(randomblob(16))) WHERE id = 1;
END;
