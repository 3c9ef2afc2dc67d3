-- A table keyed by text is WITHOUT ROWID where its rows are small: one row written instead of two.
CREATE TABLE `document_counts` (
	`category_id` text PRIMARY KEY NOT NULL,
	`products` integer NOT NULL,
	`in_stock` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `products_archived` ON `products` (`created_at`,`id`) WHERE active = 0;--> statement-breakpoint
CREATE INDEX `products_archived_price` ON `products` (`price`,`id`) WHERE active = 0;--> statement-breakpoint
CREATE INDEX `products_archived_category` ON `products` (`category_id`,`created_at`,`id`) WHERE active = 0;--> statement-breakpoint
CREATE INDEX `products_archived_category_price` ON `products` (`category_id`,`price`,`id`) WHERE active = 0;--> statement-breakpoint
CREATE INDEX `products_category_price` ON `products` (`category_id`,`price`,`id`);