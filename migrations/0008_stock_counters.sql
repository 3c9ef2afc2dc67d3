-- Tables keyed by text are WITHOUT ROWID where their rows are small: one row written instead of two.
CREATE TABLE `low_stock` (
	`product_id` text PRIMARY KEY NOT NULL,
	`since` integer NOT NULL,
	`told` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `low_stock_untold` ON `low_stock` (`product_id`) WHERE told = 0;--> statement-breakpoint
CREATE TABLE `product_stock` (
	`product_id` text PRIMARY KEY NOT NULL,
	`on_hand` integer NOT NULL,
	`reserved` integer NOT NULL,
	`available` integer NOT NULL,
	`stores` integer NOT NULL,
	`state` text NOT NULL,
	`updated_at` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `product_stock_scarce` ON `product_stock` (`available`,`product_id`) WHERE state = 'low' OR state = 'out';--> statement-breakpoint
CREATE TABLE `stock_states` (
	`state` text PRIMARY KEY NOT NULL,
	`products` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `store_stock` (
	`store_id` text PRIMARY KEY NOT NULL,
	`levels` integer NOT NULL,
	`products` integer NOT NULL,
	`units` integer NOT NULL,
	`available` integer NOT NULL,
	`low_stock` integer NOT NULL,
	`out_of_stock` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
DROP INDEX `stock_levels_available`;--> statement-breakpoint
ALTER TABLE `stock_levels` ADD `state` text DEFAULT 'archived' NOT NULL;--> statement-breakpoint
ALTER TABLE `stock_levels` ADD `sort_title` text;--> statement-breakpoint
CREATE INDEX `stock_levels_title` ON `stock_levels` (`store_id`,`sort_title`,`product_id`) WHERE sort_title IS NOT NULL;--> statement-breakpoint
CREATE INDEX `stock_levels_scarce` ON `stock_levels` (`available`,`product_id`,`store_id`) WHERE state = 'low' OR state = 'out';--> statement-breakpoint
CREATE INDEX `stock_levels_scarce_store` ON `stock_levels` (`store_id`,`available`,`product_id`) WHERE state = 'low' OR state = 'out';--> statement-breakpoint
CREATE INDEX `stock_levels_on_shelf` ON `stock_levels` (`store_id`,`product_id`) WHERE state IN ('healthy', 'low');