CREATE INDEX `payment_events_flagged` ON `payment_events` (`order_id`) WHERE state = 'flagged';--> statement-breakpoint
CREATE INDEX `payment_events_state` ON `payment_events` (`state`,`received_at`,`operation`);--> statement-breakpoint
CREATE INDEX `payment_events_received` ON `payment_events` (`received_at`,`operation`);