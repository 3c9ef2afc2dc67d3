CREATE TABLE `product_documents` (
	`id` integer PRIMARY KEY NOT NULL,
	`product_id` text NOT NULL,
	`category_id` text NOT NULL,
	`price` integer NOT NULL,
	`created_at` integer NOT NULL,
	`in_stock` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `product_documents_product_id_unique` ON `product_documents` (`product_id`);--> statement-breakpoint
CREATE INDEX `documents_newest` ON `product_documents` (`created_at`,`product_id`);--> statement-breakpoint
CREATE INDEX `documents_price` ON `product_documents` (`price`,`product_id`);--> statement-breakpoint
CREATE INDEX `documents_category_newest` ON `product_documents` (`category_id`,`created_at`,`product_id`);--> statement-breakpoint
CREATE INDEX `documents_category_price` ON `product_documents` (`category_id`,`price`,`product_id`);--> statement-breakpoint
CREATE INDEX `documents_stocked_newest` ON `product_documents` (`created_at`,`product_id`) WHERE in_stock = 1;--> statement-breakpoint
CREATE INDEX `documents_stocked_price` ON `product_documents` (`price`,`product_id`) WHERE in_stock = 1;--> statement-breakpoint
CREATE INDEX `documents_stocked_category_newest` ON `product_documents` (`category_id`,`created_at`,`product_id`) WHERE in_stock = 1;--> statement-breakpoint
CREATE INDEX `documents_stocked_category_price` ON `product_documents` (`category_id`,`price`,`product_id`) WHERE in_stock = 1;--> statement-breakpoint
CREATE TABLE `title_words` (
	`id` integer PRIMARY KEY NOT NULL,
	`word` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `title_words_word_unique` ON `title_words` (`word`);