ALTER TABLE `orders` ADD `revival_claim` text;--> statement-breakpoint
ALTER TABLE `orders` ADD `store_id` text;