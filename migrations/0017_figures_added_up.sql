CREATE TABLE `figures_added_up` (
	`id` integer PRIMARY KEY NOT NULL,
	`until` integer NOT NULL
);
