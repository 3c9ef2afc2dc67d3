-- WITHOUT ROWID: one row written instead of two, as in 0000.
CREATE TABLE `counters` (
	`name` text NOT NULL,
	`labels` text NOT NULL,
	`value` integer NOT NULL,
	PRIMARY KEY(`name`, `labels`)
) WITHOUT ROWID;
