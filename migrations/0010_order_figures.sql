-- The figures are WITHOUT ROWID: one row written instead of two, as in 0000.
CREATE TABLE `order_figures` (
	`span` text NOT NULL,
	`start` integer NOT NULL,
	`pending` integer NOT NULL,
	`confirmed` integer NOT NULL,
	`processing` integer NOT NULL,
	`shipped` integer NOT NULL,
	`delivered` integer NOT NULL,
	`returned` integer NOT NULL,
	`cancelled` integer NOT NULL,
	`expired` integer NOT NULL,
	`rejected` integer NOT NULL,
	PRIMARY KEY(`span`, `start`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `product_figures` (
	`span` text NOT NULL,
	`start` integer NOT NULL,
	`product_id` text NOT NULL,
	`units` integer NOT NULL,
	PRIMARY KEY(`span`, `start`, `product_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `product_figures_top` ON `product_figures` (`units`,`product_id`) WHERE span = 'all';--> statement-breakpoint
CREATE TABLE `sale_figures` (
	`span` text NOT NULL,
	`start` integer NOT NULL,
	`currency` text NOT NULL,
	`orders` integer NOT NULL,
	`units` integer NOT NULL,
	`amount` integer NOT NULL,
	`refunded` integer NOT NULL,
	PRIMARY KEY(`span`, `start`, `currency`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `orders` ADD `sold_at` integer;--> statement-breakpoint
ALTER TABLE `orders` ADD `dropped_at` integer;--> statement-breakpoint
CREATE INDEX `orders_sold` ON `orders` (`sold_at`,`customer_email`) WHERE sold_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `orders_buyers` ON `orders` (`customer_email`,`sold_at`) WHERE sold_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `orders_dropped` ON `orders` (`dropped_at`) WHERE dropped_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `refunds_promised` ON `refunds` (`created_at`);--> statement-breakpoint
CREATE INDEX `refunds_failed` ON `refunds` (`updated_at`) WHERE state = 'failed';
