ALTER TABLE `orders` ADD `batch_id` text;--> statement-breakpoint
CREATE INDEX `orders_batch` ON `orders` (`batch_id`,`created_at`,`id`) WHERE batch_id IS NOT NULL;