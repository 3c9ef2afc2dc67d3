CREATE TABLE `cache_generation` (
	`id` integer PRIMARY KEY NOT NULL,
	`generation` text NOT NULL
);
