-- Keeps the counts of documents in step with them: of each category, and of all under an empty id. A unit sold writes
-- nothing here until it is the last one.
INSERT INTO document_counts (category_id, products, in_stock)
SELECT category_id, count(*), sum(in_stock) FROM product_documents GROUP BY category_id
UNION ALL SELECT '', count(*), coalesce(sum(in_stock), 0) FROM product_documents;
--> statement-breakpoint
CREATE TRIGGER documents_counted AFTER INSERT ON product_documents BEGIN
  INSERT INTO document_counts (category_id, products, in_stock)
  VALUES (NEW.category_id, 1, NEW.in_stock), ('', 1, NEW.in_stock)
  ON CONFLICT (category_id) DO UPDATE SET products = products + 1, in_stock = in_stock + excluded.in_stock;
END;
--> statement-breakpoint
CREATE TRIGGER documents_uncounted AFTER DELETE ON product_documents BEGIN
  UPDATE document_counts SET products = products - 1, in_stock = in_stock - OLD.in_stock
  WHERE category_id IN (OLD.category_id, '');
END;
--> statement-breakpoint
CREATE TRIGGER documents_stocked AFTER UPDATE OF in_stock ON product_documents WHEN NEW.in_stock <> OLD.in_stock BEGIN
  UPDATE document_counts SET in_stock = in_stock + NEW.in_stock - OLD.in_stock
  WHERE category_id IN (OLD.category_id, '');
END;
--> statement-breakpoint
CREATE TRIGGER documents_moved AFTER UPDATE OF category_id ON product_documents WHEN NEW.category_id <> OLD.category_id BEGIN
  UPDATE document_counts SET products = products - 1, in_stock = in_stock - NEW.in_stock
  WHERE category_id = OLD.category_id;
  INSERT INTO document_counts (category_id, products, in_stock) VALUES (NEW.category_id, 1, NEW.in_stock)
  ON CONFLICT (category_id) DO UPDATE SET products = products + 1, in_stock = in_stock + excluded.in_stock;
END;
