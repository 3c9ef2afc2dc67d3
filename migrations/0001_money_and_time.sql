CREATE TABLE `daily_reports` (
	`date` text PRIMARY KEY NOT NULL,
	`figures` text NOT NULL,
	`made_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `job_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`scheduled_for` integer,
	`started_at` integer NOT NULL,
	`finished_at` integer,
	`outcome` text NOT NULL,
	`detail` text
);
--> statement-breakpoint
CREATE INDEX `job_runs_name` ON `job_runs` (`name`,`started_at`);--> statement-breakpoint
CREATE INDEX `job_runs_at` ON `job_runs` (`started_at`);--> statement-breakpoint
CREATE TABLE `jobs` (
	`name` text PRIMARY KEY NOT NULL,
	`schedule` text,
	`enabled` integer NOT NULL,
	`ran_for` integer
);
--> statement-breakpoint
CREATE TABLE `shop_state` (
	`key` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL,
	`since` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `returns` (
	`id` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`order_version` integer NOT NULL,
	`store_id` text NOT NULL,
	`items` text NOT NULL,
	`reason` text NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `returns_order` ON `returns` (`order_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `shipments` (
	`id` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`order_version` integer NOT NULL,
	`items` text NOT NULL,
	`tracking` text,
	`carrier` text,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `shipments_order` ON `shipments` (`order_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `payment_events` (
	`provider` text NOT NULL,
	`event_id` text NOT NULL,
	`order_id` text,
	`reference` text NOT NULL,
	`kind` text NOT NULL,
	`amount` integer NOT NULL,
	`currency` text,
	`provider_id` text,
	`refund_id` text,
	`state` text NOT NULL,
	`outcome` text,
	`operation` text NOT NULL,
	`stamp` text NOT NULL,
	`received_at` integer NOT NULL,
	PRIMARY KEY(`provider`, `event_id`)
);
--> statement-breakpoint
CREATE INDEX `payment_events_order` ON `payment_events` (`order_id`) WHERE state = 'owed';--> statement-breakpoint
CREATE TABLE `payments` (
	`id` text PRIMARY KEY NOT NULL,
	`order_id` text NOT NULL,
	`provider` text NOT NULL,
	`provider_id` text,
	`status` text NOT NULL,
	`amount` integer NOT NULL,
	`currency` text NOT NULL,
	`captured` integer NOT NULL,
	`refunded` integer NOT NULL,
	`client_secret` text,
	`stamp` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `payments_order` ON `payments` (`order_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `payments_provider` ON `payments` (`provider`,`provider_id`);--> statement-breakpoint
CREATE TABLE `refunds` (
	`id` text PRIMARY KEY NOT NULL,
	`payment_id` text NOT NULL,
	`order_id` text NOT NULL,
	`amount` integer NOT NULL,
	`currency` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`provider_id` text,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `refunds_order` ON `refunds` (`order_id`);--> statement-breakpoint
CREATE INDEX `refunds_payment` ON `refunds` (`payment_id`);--> statement-breakpoint
ALTER TABLE `orders` ADD `events_owed` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `orders` ADD `delayed_at` integer;--> statement-breakpoint
ALTER TABLE `orders` ADD `delayed_retries` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `orders_in_work` ON `orders` (`status_at`,`id`) WHERE status IN ('confirmed', 'processing', 'shipped');--> statement-breakpoint
CREATE INDEX `orders_delayed` ON `orders` (`delayed_retries`,`delayed_at`,`status_at`) WHERE status IN ('confirmed', 'processing', 'shipped');--> statement-breakpoint
CREATE INDEX `work_dead` ON `work` (`finished_at`,`id`) WHERE state = 'dead';
