DROP INDEX `orders_buyers`;--> statement-breakpoint
DROP INDEX `orders_email`;--> statement-breakpoint
CREATE INDEX `orders_email` ON `orders` (`customer_email`,`created_at`,`id`,`sold_at`);