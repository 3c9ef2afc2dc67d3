ALTER TABLE `users` ADD `trusted` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `users` ADD `payment_methods` text;--> statement-breakpoint
ALTER TABLE `products` ADD `max_per_order` integer;
