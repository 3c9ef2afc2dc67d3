CREATE TABLE `kept_passwords` (
	`user_id` text PRIMARY KEY NOT NULL,
	`password_hash` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `roles` (
	`name` text PRIMARY KEY NOT NULL,
	`permissions` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `users_roles` ON `users` (`role`) WHERE role <> 'customer';
--> statement-breakpoint
-- Examples: a shop changes or deletes them. 0 is no moment: they are from before the shop.
INSERT INTO `roles` (`name`, `permissions`, `created_at`, `updated_at`) VALUES
	('finance', '["orders:read","payments:write","reports:read"]', 0, 0),
	('support', '["catalog:read","inventory:read","orders:write","payments:read"]', 0, 0),
	('warehouse', '["catalog:read","inventory:write","orders:write"]', 0, 0);
