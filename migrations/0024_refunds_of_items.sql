ALTER TABLE `order_history` ADD `kind` text;--> statement-breakpoint
ALTER TABLE `refunds` ADD `items` text;