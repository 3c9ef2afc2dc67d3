ALTER TABLE `orders` ADD `placed_from` text;--> statement-breakpoint
CREATE INDEX `orders_unpaid_email` ON `orders` (`customer_email`,`total_items`) WHERE status = 'pending' AND placed_from IS NOT NULL;--> statement-breakpoint
CREATE INDEX `orders_unpaid_from` ON `orders` (`placed_from`,`total_items`) WHERE status = 'pending' AND placed_from IS NOT NULL;