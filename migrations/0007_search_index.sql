-- The text index of what is on sale, kept by triggers. It holds no text of its own: it is found again in products and
-- categories by the document's id. Columns in the order of bm25's weights.
-- `shelf` is the category's id without its prefix, so that words and a category are looked up together.
-- A beginning of up to ten letters is as quick to look up as a word.
CREATE VIRTUAL TABLE product_index USING fts5 (
  title, category, description, shelf,
  content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3 4 5 6 7 8 9 10'
);
--> statement-breakpoint
-- The words of titles by their trigrams, with a space around each, so that where a word begins and ends counts too.
CREATE VIRTUAL TABLE title_word_index USING fts5 (
  word, content = '', tokenize = 'trigram remove_diacritics 1', detail = none, columnsize = 0
);
--> statement-breakpoint
CREATE VIEW product_texts AS
SELECT documents.id, documents.product_id, documents.category_id, products.title,
  coalesce(categories.name, '') AS category, products.description,
  substr(documents.category_id, 5) AS shelf
FROM product_documents AS documents
JOIN products ON products.id = documents.product_id
LEFT JOIN categories ON categories.id = documents.category_id;
--> statement-breakpoint
-- A title cut at spaces and at what stands between words: its JSON text becomes that of an array. Words with digits are
-- numbers and names of models, which nobody means to be corrected.
CREATE VIEW product_title_words AS
SELECT DISTINCT products.id AS product_id, words.value AS word
FROM products, json_each('[' || replace(replace(replace(replace(replace(replace(
  json_quote(lower(products.title)), '-', ' '), '/', ' '), ',', ' '), '(', ' '), ')', ' '), ' ', '","') || ']') AS words
WHERE length(words.value) BETWEEN 3 AND 40 AND words.value NOT GLOB '*[0-9]*';
--> statement-breakpoint
CREATE TRIGGER title_words_indexed AFTER INSERT ON title_words BEGIN
  INSERT INTO title_word_index (rowid, word) VALUES (NEW.id, ' ' || NEW.word || ' ');
END;
--> statement-breakpoint
CREATE TRIGGER documents_indexed AFTER INSERT ON product_documents BEGIN
  INSERT INTO product_index (rowid, title, category, description, shelf)
    SELECT id, title, category, description, shelf FROM product_texts WHERE id = NEW.id;
  INSERT INTO title_words (word)
    SELECT word FROM product_title_words AS said WHERE product_id = NEW.product_id
      AND NOT EXISTS (SELECT 1 FROM title_words WHERE title_words.word = said.word);
END;
--> statement-breakpoint
CREATE TRIGGER documents_unindexed AFTER DELETE ON product_documents BEGIN
  DELETE FROM product_index WHERE rowid = OLD.id;
END;
--> statement-breakpoint
-- What a restore replaces is deleted by no trigger: so what stands there goes first.
CREATE TRIGGER products_added AFTER INSERT ON products BEGIN
  DELETE FROM product_documents WHERE product_id = NEW.id;
  INSERT INTO product_documents (product_id, category_id, price, created_at, in_stock)
    SELECT NEW.id, NEW.category_id, NEW.price, NEW.created_at,
      EXISTS (SELECT 1 FROM stock_levels WHERE product_id = NEW.id AND available > 0)
    WHERE NEW.active = 1;
END;
--> statement-breakpoint
CREATE TRIGGER products_removed AFTER DELETE ON products BEGIN
  DELETE FROM product_documents WHERE product_id = OLD.id;
END;
--> statement-breakpoint
CREATE TRIGGER products_archived AFTER UPDATE OF active ON products WHEN OLD.active = 1 AND NEW.active = 0 BEGIN
  DELETE FROM product_documents WHERE product_id = NEW.id;
END;
--> statement-breakpoint
CREATE TRIGGER products_put_back AFTER UPDATE OF active ON products WHEN OLD.active = 0 AND NEW.active = 1 BEGIN
  INSERT INTO product_documents (product_id, category_id, price, created_at, in_stock)
    VALUES (NEW.id, NEW.category_id, NEW.price, NEW.created_at,
      EXISTS (SELECT 1 FROM stock_levels WHERE product_id = NEW.id AND available > 0));
END;
--> statement-breakpoint
CREATE TRIGGER products_moved AFTER UPDATE OF price, category_id, created_at ON products
WHEN NEW.price <> OLD.price OR NEW.category_id <> OLD.category_id OR NEW.created_at <> OLD.created_at BEGIN
  UPDATE product_documents SET category_id = NEW.category_id, created_at = NEW.created_at
    WHERE product_id = NEW.id AND (category_id <> NEW.category_id OR created_at <> NEW.created_at);
  UPDATE product_documents SET price = NEW.price WHERE product_id = NEW.id AND price <> NEW.price;
END;
--> statement-breakpoint
CREATE TRIGGER products_reworded AFTER UPDATE OF title, description, category_id ON products
WHEN OLD.active = 1 AND NEW.active = 1 AND
  (NEW.title <> OLD.title OR NEW.description <> OLD.description OR NEW.category_id <> OLD.category_id) BEGIN
  DELETE FROM product_index WHERE rowid = (SELECT id FROM product_documents WHERE product_id = NEW.id);
  INSERT INTO product_index (rowid, title, category, description, shelf)
    SELECT documents.id, NEW.title, coalesce((SELECT name FROM categories WHERE id = NEW.category_id), ''), NEW.description,
      substr(NEW.category_id, 5)
    FROM product_documents AS documents WHERE documents.product_id = NEW.id;
  INSERT INTO title_words (word)
    SELECT word FROM product_title_words AS said WHERE product_id = NEW.id
      AND NOT EXISTS (SELECT 1 FROM title_words WHERE title_words.word = said.word);
END;
--> statement-breakpoint
CREATE TRIGGER categories_renamed AFTER UPDATE OF name ON categories WHEN NEW.name <> OLD.name BEGIN
  DELETE FROM product_index WHERE rowid IN (SELECT id FROM product_documents WHERE category_id = NEW.id);
  INSERT INTO product_index (rowid, title, category, description, shelf)
    SELECT id, title, category, description, shelf FROM product_texts WHERE category_id = NEW.id;
END;
--> statement-breakpoint
-- In a restore the products may be there before their category.
CREATE TRIGGER categories_added AFTER INSERT ON categories BEGIN
  DELETE FROM product_index WHERE rowid IN (SELECT id FROM product_documents WHERE category_id = NEW.id);
  INSERT INTO product_index (rowid, title, category, description, shelf)
    SELECT id, title, category, description, shelf FROM product_texts WHERE category_id = NEW.id;
END;
--> statement-breakpoint
-- Only what crosses 0 is looked at: a sale writes nothing here until it is of the last unit.
CREATE TRIGGER levels_added AFTER INSERT ON stock_levels WHEN NEW.available > 0 BEGIN
  UPDATE product_documents SET in_stock = 1 WHERE product_id = NEW.product_id AND in_stock = 0;
END;
--> statement-breakpoint
CREATE TRIGGER levels_changed AFTER UPDATE OF available ON stock_levels WHEN (NEW.available > 0) <> (OLD.available > 0) BEGIN
  UPDATE product_documents SET in_stock = NOT in_stock WHERE product_id = NEW.product_id
    AND in_stock <> EXISTS (SELECT 1 FROM stock_levels WHERE product_id = NEW.product_id AND available > 0);
END;
--> statement-breakpoint
CREATE TRIGGER levels_removed AFTER DELETE ON stock_levels WHEN OLD.available > 0 BEGIN
  UPDATE product_documents SET in_stock = 0 WHERE product_id = OLD.product_id AND in_stock = 1
    AND NOT EXISTS (SELECT 1 FROM stock_levels WHERE product_id = OLD.product_id AND available > 0);
END;
--> statement-breakpoint
-- A shop that has products already.
INSERT INTO product_documents (product_id, category_id, price, created_at, in_stock)
SELECT id, category_id, price, created_at,
  EXISTS (SELECT 1 FROM stock_levels WHERE product_id = products.id AND available > 0)
FROM products WHERE active = 1 ORDER BY created_at, id;
