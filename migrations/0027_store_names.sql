-- Until here a store's key was written by the minute alone, and stayed behind when the store was renamed. Names of ASCII have
-- theirs at once, the first of two that are one; the others get one by the minute (src/catalog/search/fold-rows.ts).
UPDATE stores SET name_key = NULL;
--> statement-breakpoint
UPDATE OR IGNORE stores SET name_key = lower(trim(name)) WHERE name NOT GLOB '*[^ -~]*' AND name NOT LIKE '%  %';
--> statement-breakpoint
-- Whoever renames a store and does not write its key, as the Worker before this one, leaves it to be folded again.
CREATE TRIGGER stores_left_unfolded AFTER UPDATE OF name ON stores
WHEN lower(NEW.name) <> lower(OLD.name) AND NEW.name_key IS OLD.name_key AND NEW.name_key IS NOT NULL BEGIN
  UPDATE stores SET name_key = NULL WHERE id = NEW.id;
END;
