CREATE TABLE `cart_items` (
	`cart_id` text NOT NULL,
	`product_id` text NOT NULL,
	`line` integer NOT NULL,
	`quantity` integer NOT NULL,
	`unit_price` integer NOT NULL,
	`currency` text NOT NULL,
	PRIMARY KEY(`cart_id`, `product_id`)
);
--> statement-breakpoint
CREATE TABLE `carts` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text,
	`token_hash` text,
	`version` integer NOT NULL,
	`stamp` text NOT NULL,
	`merged_into` text,
	`last_order_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `carts_token` ON `carts` (`token_hash`) WHERE token_hash IS NOT NULL;--> statement-breakpoint
CREATE INDEX `carts_user` ON `carts` (`user_id`,`created_at`,`id`) WHERE user_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `carts_guests_untouched` ON `carts` (`updated_at`) WHERE user_id IS NULL;--> statement-breakpoint
CREATE INDEX `carts_users_untouched` ON `carts` (`updated_at`) WHERE user_id IS NOT NULL;--> statement-breakpoint
ALTER TABLE `orders` ADD `cart_id` text;--> statement-breakpoint
CREATE INDEX `orders_cart` ON `orders` (`cart_id`,`status`) WHERE cart_id IS NOT NULL;