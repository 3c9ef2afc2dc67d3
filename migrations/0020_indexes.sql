DROP INDEX `work_finished`;--> statement-breakpoint
DROP INDEX `work_due`;--> statement-breakpoint
CREATE INDEX `work_done` ON `work` (`finished_at`,`id`) WHERE state = 'done';--> statement-breakpoint
CREATE INDEX `work_on_its_way` ON `work` (`object_id`) WHERE state = 'owed' AND (task = 'reconcile' OR task = 'fulfilment-step');--> statement-breakpoint
CREATE INDEX `work_due` ON `work` (`not_before`,`id`) WHERE state = 'owed';--> statement-breakpoint
DROP INDEX `orders_status`;--> statement-breakpoint
DROP INDEX `orders_in_work`;--> statement-breakpoint
DROP INDEX `orders_delayed`;--> statement-breakpoint
CREATE INDEX `orders_state` ON `orders` (`status`,`payment_status`,`priority`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `orders_rounds` ON `orders` (`delayed_retries`,`delayed_at`) WHERE status IN ('confirmed', 'processing', 'shipped') AND delayed_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `orders_in_work` ON `orders` (`status_at`,`id`) WHERE status IN ('confirmed', 'processing', 'shipped') AND delayed_at IS NULL;--> statement-breakpoint
CREATE INDEX `orders_delayed` ON `orders` (`status_at`,`id`) WHERE status IN ('confirmed', 'processing', 'shipped') AND delayed_at IS NOT NULL;
